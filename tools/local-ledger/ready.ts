import type { EngineName } from '../local-stack/engines/engine-program.ts';

/** The ready line of a stack: the first JSON line on stdout, and `.local/<port>.json`. */
export interface ReadyInfo {
  readonly event: 'ready';
  /** The stack's own process: the one to signal. */
  readonly pid: number;
  /** The process of each function by its short name. */
  readonly processes: Readonly<Record<string, number>>;
  readonly webhookUrl: string;
  readonly apiUrl: string;
  readonly apiToken: string;
  readonly controlUrl: string;
  /** The Mailgun that is reconciled against: the twin's API, unless another was asked for. */
  readonly mailgunUrl: string;
  /** The dashboard, with the token in its fragment. */
  readonly dashboardUrl: string;
  readonly signingKey: string;
  readonly domains: readonly string[];
  /** What holds the tables. */
  readonly engine: EngineName;
  /** URL of the archive's bucket; absent without an archive. */
  readonly archiveUrl?: string;
  /** Where deliveries go, and what each receiver verifies them with; absent without any. */
  readonly receivers?: readonly { readonly name: string; readonly url: string; readonly secret: string }[];
}
