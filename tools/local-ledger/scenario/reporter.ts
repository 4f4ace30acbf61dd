import type { Clock } from '../../mailgun-twin/clock.ts';
import type { Twin } from '../../mailgun-twin/twin.ts';
import type { MessageOutcome } from './message-outcome.ts';
import type { Leftovers } from './read-stack.ts';
import { type DeliveryTotals, type Ledger, type Summary, tally } from './totals.ts';

/** Phases of a run, in order. */
export type Phase = 'reporting' | 'retrying' | 'draining' | 'reconciling' | 'reading';

interface Opening {
  readonly run: string;
  readonly messages: number;
  readonly timelines: number;
  readonly events: number;
  readonly daySeconds: number;
  readonly compression: number;
}

/** State of the ledger after a run of reconcile. */
interface ReconcileProgress {
  /** Who started the run: the scenario, or the schedule meanwhile. */
  readonly by: 'scenario' | 'schedule';
  readonly missing: number;
  readonly sent: number;
  /** Settled slices of the run's time, and those that were compared. */
  readonly settled: number;
  readonly slices: number;
}

/** Reports progress: as text for a person, or as JSON lines for a program. */
export interface ScenarioReporter {
  opening(opening: Opening): void;
  phase(phase: Phase): void;
  /** `mailSeconds`: simulated time since the run began. */
  progress(phase: Phase, mailSeconds: number, tally: DeliveryTotals): void;
  /** Number of messages still in the queue. */
  waiting(messages: number): void;
  drained(leftovers: Leftovers): void;
  /** Number of events by type that no webhook brought. */
  missed(events: Readonly<Record<string, number>>): void;
  /** A run of reconcile ended. */
  reconciled(progress: ReconcileProgress): void;
  result(outcomes: readonly MessageOutcome[], summary: Summary): void;
  ledger(ledger: Ledger): void;
  /** Commands ready to paste, each with what it does. */
  commands(commands: readonly { readonly does: string; readonly command: string }[]): void;
  trouble(error: unknown): void;
}

export type Print = (line: string) => void;

/**
 * Prints one JSON object a line, distinguished by `event`: `progress`, `message`, `ledger` and `summary`, or `trouble`.
 */
export function createJsonReporter(print: Print): ScenarioReporter {
  const write = (event: string, facts: object) => print(JSON.stringify({ event, ...facts }));
  return {
    opening: (opening) => write('progress', { phase: 'opening', ...opening }),
    phase: (phase) => write('progress', { phase }),
    progress: (phase, mailSeconds, tally) =>
      write('progress', { phase, mailSeconds: Math.round(mailSeconds), ...tally }),
    waiting: (waiting) => write('progress', { phase: 'draining', waiting }),
    drained: (leftovers) => write('progress', { phase: 'drained', ...leftovers }),
    missed: (events) => write('progress', { phase: 'reconciling', missed: events }),
    reconciled: (progress) => write('progress', { phase: 'reconciling', ...progress }),
    ledger: (ledger) => write('ledger', ledger),
    result: (outcomes, summary) => {
      for (const { timeline, messageId, recipients } of outcomes) {
        for (const outcome of recipients) write('message', { timeline, messageId, ...outcome });
      }
      write('summary', summary);
    },
    commands: () => {},
    trouble: (error) => write('trouble', { message: String(error) }),
  };
}

const REPORT_EVERY_MS = 1_000;

/** Returns a function that reports delivery progress every second while a promise is pending. */
export function createWatch(twin: Twin, clock: Clock, reporter: ScenarioReporter) {
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
