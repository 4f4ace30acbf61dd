import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { WatchedProvider } from '../../../lambdas/domain/recipients/provider-limits.ts';
import type { AlarmLimits } from '../../config/config-schema.ts';
import type { LedgerChoice } from '../../config/ledger-times.ts';
import type { EventQueue } from '../event-queue.ts';
import type { Process } from '../functions/process.ts';
import type { ReadApi } from '../functions/read-api.ts';
import type { LedgerMetrics } from '../monitoring/ledger-metrics.ts';
import type { WebhookApi } from '../webhook-api.ts';

/** The resources that alarms watch. */
export interface Watched {
  readonly table: Table;
  readonly queue: EventQueue;
  readonly process: Process;
  readonly webhookApi: WebhookApi;
  readonly readApi: ReadApi;
  /** Present where the environment publishes: the function that reads the stream, and the failure queue. */
  readonly publishing?: { readonly function: IFunction; readonly failures: IQueue } | undefined;
  /** Present where the environment delivers to receivers. */
  readonly delivering?:
    | {
        readonly function: IFunction;
        readonly receivers: readonly { readonly config: { readonly name: string }; readonly deadLetters: IQueue }[];
      }
    | undefined;
  /** Present where the environment brings alarms to chat and on call. */
  readonly notify?: IFunction | undefined;
  /** True if the environment has an archive. */
  readonly seals?: boolean;
  /** Mailbox providers with alarms of their own. */
  readonly providers?: readonly WatchedProvider[];
  readonly times: LedgerChoice;
  readonly limits: AlarmLimits;
}

export interface AlarmSources extends Watched {
  readonly metrics: LedgerMetrics;
}
