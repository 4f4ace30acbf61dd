import type { Leftovers } from '../drain.ts';
import type { MessageVerdict } from '../judge.ts';
import type { Ledger } from '../ledger.ts';
import type { Tally } from '../tally.ts';
import type { Summary } from './summary.ts';

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
