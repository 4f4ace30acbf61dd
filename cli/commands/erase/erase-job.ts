import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { conditionalWrite, type LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import { markerKey } from '../../../lambdas/domain/keys.ts';
import { erasureHash } from '../../../lambdas/domain/recipients/erasure.ts';
import { readErasureKey } from '../../access.ts';
import type { CliContext } from '../../command.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { tableOf } from '../../ledger.ts';
import { createProgress } from '../../output.ts';
import { PRICES } from '../../planning/prices.ts';
import { addEach } from '../../resumable.ts';
import type { Deployment } from '../../target/types.ts';
import {
  type Cleared,
  clearQueue,
  deliveryQueues,
  eventDeadLetters,
  messagesIn,
  type SearchedQueue,
} from './clear-queues.ts';
import {
  type ArchiveErasureDeps,
  type ArchiveLine,
  countArchive,
  eraseArchive,
  openErasableArchive,
  unreachedArchives,
} from './erase-from-archive.ts';
import { createFindings, type Findings, type Swept, sweep } from './sweep-table.ts';

/** The items of a recipient found in the table, or erased from it. */
interface Found {
  /** The recipient's events; each leaves a tombstone. */
  readonly events: number;
  readonly statuses: number;
  readonly suppressions: number;
  /** Events of others that name them; the address is taken out. */
  readonly mentions: number;
  /** Of the events, statuses and suppressions, those whose recipient names another address as well. */
  readonly shared: number;
}

/** The lines of `erase --json`. None holds the address. */
export type EraseLine =
  | ArchiveLine
  | ({
      event: 'plan';
      messages: number;
      /** Dead letters in all; whose they are shows only when they are received. */
      deadLetters: number;
      /** Objects of the archive, each to be read. */
      objects: number;
      items: number;
      waitSeconds: number;
      /** Dollars, at most. */
      cost: number;
    } & Found)
  | { event: 'marked'; isNew: boolean }
  | { event: 'waiting'; seconds: number }
  | { event: 'scanning'; items: number }
  | ({ event: 'swept'; sweep: number; items: number } & Found)
  | ({ event: 'dead-letters' } & Cleared)
  /** In the DLQs of receivers and the queue of what could not be published; `sentBack` without the address. */
  | ({ event: 'deliveries' } & Cleared)
  | { event: 'stopped'; again: string }
  | ({
      event: 'erased';
      deadLetters: number;
      /** Dead letters that another reader held all the time; whose they are is not known. */
      hidden: number;
      /** Items whose key or tags hold the address; they stay. */
      kept: number;
      /** Messages in the queue, of any recipient; process turns those of this one into tombstones. */
      queued: number;
    } & Found);

interface Queues {
  readonly client: SQSClient;
  readonly queueUrl: string;
}

/** The dependencies to erase one recipient. */
interface Job {
  readonly recipient: string;
  readonly erasureKey: string;
  readonly findings: Findings;
  readonly table: LedgerTable;
  readonly queues: Queues;
  /** The DLQ. */
  readonly deadLetters: SearchedQueue;
  /** Queues of published changes; none where nothing is published. */
  readonly deliveries: readonly SearchedQueue[];
  /** Undefined without an archive. */
  readonly archive: ArchiveErasureDeps | undefined;
  readonly context: CliContext;
  readonly emit: (line: EraseLine) => void;
}

/** The last of them finds nothing; more than these would mean that something still writes. */
const MAX_SWEEPS = 10;
const WAIT_STEP_SECONDS = 30;
/** At most, with the index: a tombstone put and an event deleted; one for each other write. */
const WRITES_PER_EVENT = 4;
const WRITES_PER_OTHER = 2;

export async function openJob(
  recipient: string,
  deployment: Deployment,
  context: CliContext,
  emit: Job['emit'],
): Promise<Job> {
  const { queues } = deployment.clients;
  const erasureKey = await readErasureKey(deployment);
  const table = tableOf(deployment);
  const queueUrl = deployment.output('QueueUrl');
  return {
    recipient,
    erasureKey,
    findings: createFindings(recipient, erasureKey),
    table,
    archive: openErasableArchive(deployment, table, context.now),
    queues: { client: queues, queueUrl },
    deadLetters: eventDeadLetters({ queueUrl, deadLettersUrl: deployment.output('DeadLettersUrl') }, recipient),
    deliveries: deliveryQueues(deployment, recipient),
    context,
    emit,
  };
}

/** Reports what would be done and what it costs, by a sweep that changes nothing. */
export async function plan(job: Job): Promise<void> {
  const { queues } = job;
  const { items, readUnits, messages, kept: _kept, heads, ...found } = await sweepAll(job, true);
  if (job.context.signal.aborted) return;
  const domains = await unreachedArchives(job.archive, heads);
  if (domains.length > 0) job.emit({ event: 'archive-unreached', domains });
  const others = found.statuses + found.suppressions + found.mentions;
  const writes = found.events * WRITES_PER_EVENT + others * WRITES_PER_OTHER;
  job.emit({
    event: 'plan',
    messages: messages.size,
    ...found,
    deadLetters: await countDeadLetters(job),
    objects: await countArchive(job.archive),
    items,
    waitSeconds: await visibilitySeconds(queues),
    cost: 2 * readUnits * PRICES.perReadUnit + writes * PRICES.perWriteUnit,
  });
}

/** `unfinished`: it is to be run again; `faulty`: not before something in the archive is put right. */
export type Erasure = 'done' | 'unfinished' | 'faulty';

/** Runs all steps in order, each repeatable. */
export async function erase(job: Job): Promise<Erasure> {
  const { queues, context, emit } = job;
  emit({ event: 'marked', isNew: await mark(job) });
  await wait(await visibilitySeconds(queues), job);
  if (context.signal.aborted) return 'unfinished';

  const deadLetters = await clearQueue(queues.client, job.deadLetters, context);
  emit({ event: 'dead-letters', ...deadLetters });
  const deliveries = await clearDeliveries(job);
  if (context.signal.aborted) return 'unfinished';
  const sums = { events: 0, statuses: 0, suppressions: 0, mentions: 0, shared: 0 };
  for (let number = 1; number <= MAX_SWEEPS; number += 1) {
    const { items, kept, heads, readUnits: _units, messages: _messages, ...found } = await sweepAll(job, false);
    if (context.signal.aborted) return 'unfinished';
    emit({ event: 'swept', sweep: number, items, ...found });
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += found[name];
    if (Object.values(found).some((count) => count > 0)) continue;
    // After the table, so that nothing more of the recipient is sealed.
    const archived = job.archive && (await eraseArchive(job.archive, job, context, emit));
    if (context.signal.aborted) return 'unfinished';
    const domains = await unreachedArchives(job.archive, heads);
    if (domains.length > 0) {
      emit({ event: 'archive-unreached', domains });
      return 'unfinished';
    }
    const { sentBack, deleted, hidden } = sumOf([deadLetters, deliveries]);
    const { all: queued } = await messagesIn(queues.client, queues.queueUrl);
    emit({ event: 'erased', ...sums, deadLetters: sentBack + deleted, hidden, kept, queued });
    if ((archived?.faults ?? 0) > 0) return 'faulty';
    return hidden === 0 ? 'done' : 'unfinished';
  }
  throw new TargetUnavailableError('the recipient keeps reappearing; is a version without erasure still deployed?');
}

/** Publish and deliver read the marker, so nothing of the recipient is added after this. */
async function clearDeliveries({ queues, deliveries, context, emit }: Job): Promise<Cleared> {
  const cleared: Cleared[] = [];
  for (const queue of deliveries) cleared.push(await clearQueue(queues.client, queue, context));
  const sum = sumOf(cleared);
  if (deliveries.length > 0) emit({ event: 'deliveries', ...sum });
  return sum;
}

const sumOf = (all: readonly Cleared[]): Cleared =>
  all.reduce<Cleared>(addEach, { received: 0, sentBack: 0, deleted: 0, hidden: 0 });

async function countDeadLetters({ queues, deadLetters, deliveries }: Job): Promise<number> {
  const held = await Promise.all(
    [deadLetters, ...deliveries].map(({ queueUrl }) => messagesIn(queues.client, queueUrl)),
  );
  return held.reduce((sum, { all }) => sum + all, 0);
}

/** Sets the erasure marker, after which process stores only tombstones; returns true if it is new. */
async function mark({ recipient, erasureKey, table, context }: Job): Promise<boolean> {
  return conditionalWrite(() =>
    table.client.send(
      new PutCommand({
        TableName: table.name,
        Item: { ...markerKey(erasureHash(erasureKey, recipient)), markedAt: context.now() },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    ),
  );
}

/**
 * Waits until process has stored what it had in flight when the marker was set. Waits every time: clocks of two runs
 * may differ.
 */
async function wait(seconds: number, { context, emit }: Job): Promise<void> {
  for (let left = seconds; left > 0 && !context.signal.aborted; left -= WAIT_STEP_SECONDS) {
    emit({ event: 'waiting', seconds: left });
    await context.sleep(Math.min(left, WAIT_STEP_SECONDS) * 1000);
  }
}

function sweepAll({ table, findings, context, emit }: Job, isPlan: boolean): Promise<Swept> {
  const report = createProgress(context);
  return sweep(table, findings, {
    isPlan,
    signal: context.signal,
    onPage: ({ items }) => report(() => emit({ event: 'scanning', items })),
  });
}

/**
 * Returns the visibility timeout: six timeouts of process plus its batching window, after which nothing is still in
 * flight.
 */
async function visibilitySeconds({ client, queueUrl }: Queues): Promise<number> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['VisibilityTimeout'] }),
  );
  const seconds = Number(Attributes?.VisibilityTimeout);
  if (!Number.isSafeInteger(seconds) || seconds <= 0)
    throw new Error('the queue does not report its visibility timeout');
  return seconds;
}
