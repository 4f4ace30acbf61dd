import type { ApiCounts, MailgunApi } from '../mailgun-twin/mailgun-api.ts';
import type { AlarmBoard } from './alarms/alarm-board.ts';
import type { AlarmState } from './alarms/evaluate.ts';
import { type Engine, request } from './engines/engine.ts';
import type { RunningFunctions } from './functions.ts';
import type { LocalAws } from './local-aws.ts';
import type { ReconcileRuns, ReconcileSums } from './reconcile-runs.ts';
import { outputOf } from './stack.ts';
import type { Usage } from './usage.ts';

/** What a stack has done since its start, and what waits. */
export interface Stats extends Usage {
  readonly queue: { readonly visible: number; readonly inFlight: number };
  readonly deadLetters: number;
  readonly processes: Readonly<Record<string, number>>;
  readonly alarms: Readonly<Record<string, AlarmState>>;
  /** The same calls and capacity by function; `event-source` is Lambda's poller. */
  readonly byCaller: Readonly<Record<string, Usage>>;
  /** Calls of the twin's API. */
  readonly mailgun: ApiCounts;
  readonly reconcile: ReconcileSums;
}

export interface StatsSources {
  readonly aws: LocalAws;
  readonly functions: Pick<RunningFunctions, 'processes'>;
  readonly board: Pick<AlarmBoard, 'states'>;
  readonly mailgun: Pick<MailgunApi, 'counts'>;
  readonly reconcileRuns: Pick<ReconcileRuns, 'sums'>;
}

export function createStats(sources: StatsSources): () => Promise<Stats> {
  const { aws, functions, board, mailgun, reconcileRuns } = sources;
  const queueUrl = outputOf(aws.stack, 'QueueUrl');
  const deadLettersUrl = outputOf(aws.stack, 'DeadLettersUrl');
  return async () => {
    const deadLetters = await countMessages(aws.engines.sqs, deadLettersUrl);
    return {
      queue: await countMessages(aws.engines.sqs, queueUrl),
      deadLetters: deadLetters.visible + deadLetters.inFlight,
      ...aws.usage.total(),
      processes: functions.processes(),
      alarms: board.states(),
      byCaller: aws.usage.byCaller(),
      mailgun: mailgun.counts(),
      reconcile: reconcileRuns.sums(),
    };
  };
}

/** A delayed message waits like a visible one. */
async function countMessages(sqs: Engine, QueueUrl: string) {
  const { Attributes } = await request<{ Attributes: Record<string, string> }>(sqs, 'GetQueueAttributes', {
    QueueUrl,
    AttributeNames: ['All'],
  });
  const count = (name: string) => Number(Attributes[`ApproximateNumberOfMessages${name}`]);
  return { visible: count('') + count('Delayed'), inFlight: count('NotVisible') };
}
