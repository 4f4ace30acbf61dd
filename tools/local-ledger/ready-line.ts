import type { EngineName } from '../local-stack/engines/engine-program.ts';

/** The ready line of a stack: the first JSON line on stdout, and `.local/<port>.json`. */
export interface ReadyLine {
  readonly event: 'ready';
  /** Process id of the stack itself, to signal. */
  readonly pid: number;
  /** The process of each function by its short name. */
  readonly processes: Readonly<Record<string, number>>;
  readonly webhookUrl: string;
  readonly apiUrl: string;
  readonly apiToken: string;
  readonly controlUrl: string;
  /** URL of the Mailgun API to reconcile with: the twin's, unless another was chosen. */
  readonly mailgunUrl: string;
  /** The dashboard, with the token in its fragment. */
  readonly dashboardUrl: string;
  readonly signingKey: string;
  readonly domains: readonly string[];
  /** Database engine. */
  readonly engine: EngineName;
  /** URL of the archive's bucket; absent without an archive. */
  readonly archiveUrl?: string;
  /** URL and signing secret of each receiver; absent without receivers. */
  readonly receivers?: readonly { readonly name: string; readonly url: string; readonly secret: string }[];
}
