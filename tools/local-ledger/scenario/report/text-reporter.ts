import { createLedgerLines } from './ledger-lines.ts';
import type { Phase, Print, Reporter } from './reporter.ts';
import { createResultLines } from './result-lines.ts';

const HEADINGS: Readonly<Record<Phase, string>> = {
  reporting: '1/5  Mailgun reports what happens: late, twice, in the wrong order',
  retrying: '2/5  The last repeats and retries arrive',
  draining: '3/5  The queue empties',
  reconciling: '4/5  Reconciliation looks for what the webhooks missed',
  reading: '5/5  Every message is read back through the read API',
};

const COLUMNS = ['mail time', 'sent', 'acknowledged', 'repeats', 'retries', 'failed'] as const;
const row = (cells: readonly (string | number)[]) =>
  `     ${cells.map((cell, column) => String(cell).padStart(COLUMNS[column]?.length ?? 0)).join('   ')}`;

/** Plain lines for a person, in a terminal or a file. */
export function createTextReporter(print: Print): Reporter {
  return {
    opening: ({ run, messages, timelines, events, daySeconds, compression }) => {
      const hours = Math.round(daySeconds / 3600);
      const seconds = Math.round(daySeconds / compression);
      print(`Run ${run}: ${messages} messages follow ${timelines} timelines with ${events} events,`);
      print(`${hours} hours of mail in ${seconds} seconds.`);
    },
    phase: (phase) => {
      print('');
      print(HEADINGS[phase]);
      if (phase === 'reporting') print(row(COLUMNS));
    },
    progress: (_phase, mailSeconds, { sent, acknowledged, repeats, retries, rejected, unacknowledged }) =>
      print(row([mailTime(mailSeconds), sent, acknowledged, repeats, retries, rejected + unacknowledged])),
    waiting: (waiting) => print(waiting === 0 ? '     empty' : `     ${waiting} waiting`),
    drained: ({ waiting, deadLetters }) => {
      if (waiting > 0) print(`     no progress any more; left in the queue: ${waiting}`);
      if (deadLetters > 0) print(`     ${deadLetters} in the dead letters`);
    },
    missed: (events) => {
      const types = Object.entries(events).map(([type, count]) => `${count} ${type}`);
      print(`     ${types.length === 0 ? 'No event was missed.' : `No webhook brought: ${types.join(', ')}.`}`);
      print('     The ledger waits until Mailgun has indexed its events.');
    },
    reconciled: ({ by, missing, sent, settled, slices }) =>
      print(
        `     ${by === 'schedule' ? 'on schedule' : 'a run'.padEnd(11)}   ${missing} missing, ${sent} sent to the queue; ` +
          `${settled} of ${slices} slices settled`,
      ),
    ledger: (ledger) => {
      for (const line of createLedgerLines(ledger)) print(line);
    },
    result: (verdicts, summary) => {
      for (const line of createResultLines(verdicts, summary)) print(line);
    },
    commands: (commands) => {
      for (const { does, command } of commands) {
        print('');
        print(`# ${does}`);
        print(command);
      }
    },
    trouble: (error) => {
      print('');
      print(`The run could not be finished: ${error instanceof Error ? error.message : String(error)}`);
    },
  };
}

function mailTime(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')}`;
}
