import type { Print, Reporter } from './reporter.ts';

/** One JSON object a line, told apart by `event`: `progress`, `message`, `ledger` and `summary`, or `trouble`. */
export function createJsonReporter(print: Print): Reporter {
  const write = (event: string, facts: object) => print(JSON.stringify({ event, ...facts }));
  return {
    opening: (opening) => write('progress', { phase: 'opening', ...opening }),
    phase: (phase) => write('progress', { phase }),
    progress: (phase, mailSeconds, tally) =>
      write('progress', { phase, mailSeconds: Math.round(mailSeconds), ...tally }),
    waiting: (waiting) => write('progress', { phase: 'draining', waiting }),
    drained: (leftovers) => write('progress', { phase: 'drained', ...leftovers }),
    missed: (events) => write('progress', { phase: 'reconciling', missed: events }),
    reconciled: (look) => write('progress', { phase: 'reconciling', ...look }),
    ledger: (ledger) => write('ledger', ledger),
    result: (verdicts, summary) => {
      for (const { timeline, messageId, recipients } of verdicts) {
        for (const verdict of recipients) write('message', { timeline, messageId, ...verdict });
      }
      write('summary', summary);
    },
    commands: () => {},
    trouble: (error) => write('trouble', { message: String(error) }),
  };
}
