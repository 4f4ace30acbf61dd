import type { Clock } from '../../mailgun-twin/clock.ts';
import type { Twin } from '../../mailgun-twin/twin.ts';
import type { MessageVerdict } from './judge.ts';
import type { Leftovers } from './read-stack.ts';
import { type Ledger, type Summary, type Tally, tally } from './totals.ts';

/** The parts of a run, in order. */
export type Phase = 'reporting' | 'retrying' | 'draining' | 'reconciling' | 'reading';

export interface Opening {
  readonly run: string;
  readonly messages: number;
  readonly timelines: number;
  readonly events: number;
  readonly daySeconds: number;
  readonly compression: number;
}

/** One look at the ledger, after a run of reconcile. */
export interface Look {
  /** Whether the scenario asked for the run, or the schedule made it meanwhile. */
  readonly by: 'scenario' | 'schedule';
  readonly missing: number;
  readonly sent: number;
  /** Slices of the run's time that are settled, and that the ledger has judged. */
  readonly settled: number;
  readonly slices: number;
}

/** Says how a run is going: in words to a person, or in JSON lines to a program. */
export interface Reporter {
  opening(opening: Opening): void;
  phase(phase: Phase): void;
  /** `mailSeconds`: mail time since the run began. */
  progress(phase: Phase, mailSeconds: number, tally: Tally): void;
  /** So many messages are still in the queue. */
  waiting(messages: number): void;
  drained(leftovers: Leftovers): void;
  /** So many events no webhook brought, by type. */
  missed(events: Readonly<Record<string, number>>): void;
  /** Something happened to the ledger. */
  reconciled(look: Look): void;
  result(verdicts: readonly MessageVerdict[], summary: Summary): void;
  ledger(ledger: Ledger): void;
  /** Commands that work when pasted, each with what it does. */
  commands(commands: readonly { readonly does: string; readonly command: string }[]): void;
  trouble(error: unknown): void;
}

export type Print = (line: string) => void;

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

const REPORT_EVERY_MS = 1_000;

/** Makes a function that reports, every second, how far the deliveries have come while some work goes on. */
export function createWatch(twin: Twin, clock: Clock, reporter: Reporter) {
  const { compression } = twin;
  const beganAt = clock.now();
  return async <T>(phase: Phase, work: Promise<T>): Promise<T> => {
    reporter.phase(phase);
    const report = () => reporter.progress(phase, ((clock.now() - beganAt) * compression) / 1000, tally(twin.events));
    const timer = setInterval(report, REPORT_EVERY_MS);
    try {
      const result = await work;
      report();
      return result;
    } finally {
      clearInterval(timer);
    }
  };
}
