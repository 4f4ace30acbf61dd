import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { createQueueDepth } from '../../../lambdas/adapters/aws/messaging.ts';
import { DEAD_LETTER_ATTRIBUTES } from '../../../lambdas/contract.ts';
import { messageIdOf } from '../../../lambdas/domain/events/event.ts';
import { type EventIdentity, identify } from '../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../lambdas/domain/events/mailgun-event.ts';
import {
  decodeQueueMessage,
  QUEUE_MESSAGE_VERSION,
  type QueueMessage,
  REDRIVE_GROUP,
} from '../../../lambdas/domain/events/queue-message.ts';
import { statusUpdateOf } from '../../../lambdas/domain/status/status-update.ts';
import { suppressionOf } from '../../../lambdas/domain/status/suppression.ts';
import type { CliContext } from '../../command.ts';
import { InterruptedError, TargetUnavailableError } from '../../errors.ts';
import { groupBy, number, printedCommand } from '../../output.ts';
import { countUnseen, receivedBatches, VISIBILITY_SECONDS } from '../../queue-scan.ts';
import type { Deployment } from '../../target/types.ts';

export interface DeadLetter {
  /** SQS's message id. */
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** How this version reads the body. */
  readonly diagnosis: Diagnosis;
  /** Why this version cannot read the body; where it can, the reason noted when the message went to the DLQ. */
  readonly reason: string;
  readonly detail: string | undefined;
  /** Epoch milliseconds; of a message that SQS moved here, when it was first sent. */
  readonly sentMs: number;
  readonly receiveCount: number;
}

/** Reason of messages that can be read and that process never judged: SQS moved them when their tries were used up. */
export const RECEIVES_EXHAUSTED = 'tries-used-up';

/** Maximum number of messages per run. */
export const MAX_SCANNED_MESSAGES = 10_000;

const AT_ONCE = 10;
const WAIT_SECONDS = 1;

/** The dead letters, and the queue they came from. */
export interface DeadLetters {
  /** Receives up to ten messages, hidden from others for this time. */
  receive(hideSeconds: number): Promise<DeadLetter[]>;
  /** Makes messages visible again. A failure does no harm: they reappear after their timeout. */
  giveBack(letters: readonly Pick<DeadLetter, 'receiptHandle'>[]): Promise<void>;
  /** Sends the body to process again, without the attributes added to it. */
  resend(letter: DeadLetter): Promise<void>;
  remove(letter: DeadLetter): Promise<void>;
  /** Returns the length that SQS reports, hidden messages included. */
  length(): Promise<number>;
}

export function openDeadLetters({ clients: { queues }, output }: Deployment): DeadLetters {
  const QueueUrl = output('DeadLettersUrl');
  return {
    async receive(hideSeconds) {
      const { Messages = [] } = await queues.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: AT_ONCE,
          WaitTimeSeconds: WAIT_SECONDS,
          VisibilityTimeout: hideSeconds,
          MessageAttributeNames: Object.values(DEAD_LETTER_ATTRIBUTES),
          MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
        }),
      );
      return Messages.map(letterOf);
    },

    async giveBack(letters) {
      for (let from = 0; from < letters.length; from += AT_ONCE) {
        const Entries = letters.slice(from, from + AT_ONCE).map(({ receiptHandle }, index) => ({
          Id: String(index),
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: 0,
        }));
        await queues.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })).catch(() => {});
      }
    },

    async resend({ body }) {
      const QueueUrl = output('QueueUrl');
      await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: body, MessageGroupId: REDRIVE_GROUP }));
    },

    async remove({ receiptHandle }) {
      await queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
    },

    length: () => createQueueDepth(queues, QueueUrl).messages(),
  };
}

function letterOf({
  MessageId = '',
  ReceiptHandle = '',
  Body = '',
  MessageAttributes,
  Attributes,
}: Message): DeadLetter {
  const diagnosis = diagnose(Body);
  return {
    id: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    diagnosis,
    reason:
      diagnosis.error?.reason ?? MessageAttributes?.[DEAD_LETTER_ATTRIBUTES.reason]?.StringValue ?? RECEIVES_EXHAUSTED,
    detail: MessageAttributes?.[DEAD_LETTER_ATTRIBUTES.detail]?.StringValue,
    sentMs: Number(Attributes?.SentTimestamp),
    receiveCount: Number(Attributes?.ApproximateReceiveCount),
  };
}

type Clock = Pick<CliContext, 'now' | 'sleep' | 'signal'>;

/** Yields every dead letter once, up to a maximum; finally makes all of them visible again. */
export async function* scanDeadLetters(deadLetters: DeadLetters, clock: Clock): AsyncGenerator<DeadLetter> {
  const held = new Map<string, Pick<DeadLetter, 'receiptHandle'>>();
  const receive = () => deadLetters.receive(VISIBILITY_SECONDS);
  try {
    for await (const letters of receivedBatches(receive, ({ id }) => held.has(id), clock)) {
      const fresh = letters.filter(({ id }) => !held.has(id));
      for (const letter of letters) held.set(letter.id, { receiptHandle: letter.receiptHandle });
      yield* fresh;
      if (held.size >= MAX_SCANNED_MESSAGES) return;
    }
  } finally {
    await deadLetters.giveBack([...held.values()]);
  }
}

/**
 * Returns a sentence on what the DLQ holds besides the scanned messages, or none if that is nothing. Throws an
 * InterruptedError where the operator has ended the scan.
 */
export async function unscanned(deadLetters: DeadLetters, scanned: number, clock: Clock): Promise<string[]> {
  if (scanned >= MAX_SCANNED_MESSAGES) return ['There may be more, which another run takes.'];
  const unseen = await countUnseen(deadLetters.length, scanned, clock);
  if (clock.signal.aborted) throw new InterruptedError();
  if (unseen === 0) return [];
  const some = `${number(unseen)}${scanned === 0 ? '' : ' more'}`;
  return [`The DLQ reports ${some}, which another reader may hold for up to 5 minutes.`];
}

/** How this version reads a body; `error` names positions in it, never content. */
type Diagnosis =
  | {
      readonly error: { readonly reason: string; readonly where: string };
      readonly message?: undefined;
      readonly identity?: undefined;
    }
  | { readonly error: null; readonly message: QueueMessage; readonly identity: EventIdentity };

/** Does with a body what process does before it writes. */
function diagnose(body: string): Diagnosis {
  const decoded = decodeQueueMessage(body);
  if (!decoded.ok) return { error: { reason: decoded.reason, where: decoded.where } };
  const { message } = decoded;
  const { event, domain } = message;
  let step = '';
  try {
    step = 'identity';
    const identity = identify(event, domain);
    step = 'event';
    const parsed = parseEvent(event);
    step = 'status';
    statusUpdateOf(parsed);
    step = 'suppression';
    suppressionOf(parsed);
    return { error: null, message, identity };
  } catch (error) {
    return { error: { reason: error instanceof Error ? error.name : 'error', where: step } };
  }
}

export function messageIdIn({ event }: QueueMessage): string | null {
  return messageIdOf(event) ?? null;
}

/** Returns the version that a body names; a text of its own for one that names none. */
function versionIn(body: string): string {
  const { v } = JSON.parse(body) as { v?: unknown };
  return Number.isSafeInteger(v) ? `version ${v}` : 'no version';
}

/** Returns the fix for a dead letter, in one sentence or two. */
export function adviceOf(
  { id, reason, body, diagnosis: { error } }: Pick<DeadLetter, 'id' | 'reason' | 'body' | 'diagnosis'>,
  isStored: boolean,
  deployment: Pick<Deployment, 'output' | 'ref'>,
): string {
  const queueUrl = deployment.output('QueueUrl');
  const [, region] = /sqs\.([a-z0-9-]+)\.amazonaws\./.exec(queueUrl) ?? [];
  const discard = () =>
    `find out who else may send to the queue (aws sqs get-queue-attributes --queue-url ${queueUrl}${region === undefined ? '' : ` --region ${region}`} --attribute-names Policy, and roles with sqs:SendMessage), then discard it: ${printedCommand(deployment, `dlq discard --id ${id} --yes`)}`;
  if (isStored) return 'It is stored already; redrive it, which changes nothing, to be rid of it.';
  if (error?.reason === 'unknown-version') {
    return `It is of ${versionIn(body)}, and this code reads version ${QUEUE_MESSAGE_VERSION}: deploy the version that wrote it, then redrive. If no release of yours writes that, ingest did not write it: ${discard()}`;
  }
  if (error?.reason === 'not-json' || error?.reason === 'malformed-message') {
    return `Neither ingest nor reconcile writes such a message: ${discard()}`;
  }
  if (error !== null) return 'The code fails on it: fix the code, deploy, then redrive.';
  if (reason === 'unstorable') return 'The code reads it, but the table refused it: fix the cause, then redrive.';
  if (reason === RECEIVES_EXHAUSTED)
    return 'The code reads it, and the table was out for all its tries: redrive once it responds.';
  return 'The code of this version reads it: deploy it, then redrive.';
}

/** Options that choose dead letters. */
export interface SelectionOptions {
  readonly reason?: string;
  readonly id?: readonly string[];
}

/** A chosen dead letter, without its body. */
export interface Selected extends Pick<DeadLetter, 'id' | 'reason'> {
  readonly error: Diagnosis['error'];
  /** The event that it holds; undefined where none can be read. */
  readonly event?: { readonly identity: EventIdentity; readonly domain: string };
}

/**
 * Returns the dead letters selected by the options, of those present now, and a sentence on any not scanned. Throws
 * a TargetUnavailableError for an unknown id, or a reason without messages.
 */
export async function selectDeadLetters(
  deadLetters: DeadLetters,
  { reason: only, id: ids }: SelectionOptions,
  clock: Clock,
) {
  const selected: Selected[] = [];
  const reasons = new Set<string>();
  let scanned = 0;
  for await (const letter of scanDeadLetters(deadLetters, clock)) {
    scanned += 1;
    const { id, reason, diagnosis } = letter;
    reasons.add(reason);
    if (reason === (only ?? reason) && (ids?.includes(id) ?? true))
      selected.push({ id, reason, ...contentOf(diagnosis) });
    if (ids !== undefined && selected.length === new Set(ids).size) break;
  }
  if (clock.signal.aborted) throw new InterruptedError();
  const missing = ids?.filter((id) => !selected.some((letter) => letter.id === id)) ?? [];
  if (missing.length > 0) {
    throw new TargetUnavailableError(
      `there is no such dead letter, unless another reader is holding it: ${missing.join(', ')}`,
    );
  }
  const more = ids === undefined ? await unscanned(deadLetters, scanned, clock) : [];
  if (only !== undefined && selected.length === 0) {
    const there = reasons.size === 0 ? 'there are none' : `there are ${[...reasons].join(', ')}`;
    throw new TargetUnavailableError(
      more.length === 0
        ? `no dead letter has the reason ${only}: ${there}`
        : `no dead letter that could be read has the reason ${only}. ${more.join(' ')}`,
    );
  }
  return { selected, more, complete: more.length === 0 };
}

function contentOf({ error, identity, message }: Diagnosis): Pick<Selected, 'error' | 'event'> {
  if (error !== null) return { error };
  return { error, event: { identity, domain: message.domain } };
}

/** Longer than ten messages take at one a second, and short where the command is killed. */
const SELECTED_VISIBILITY_SECONDS = 60;

/**
 * Receives dead letters until `left` is empty, and calls `handle` with those that are in it; gives back in the end
 * whatever `handle` did not remove.
 */
export async function receiveSelected(
  left: ReadonlySet<string>,
  deadLetters: DeadLetters,
  clock: Clock,
  handle: (letters: readonly DeadLetter[], remove: (letter: DeadLetter) => Promise<void>) => Promise<void>,
): Promise<void> {
  const seen = new Set<string>();
  const held = new Map<string, DeadLetter>();
  const remove = async (letter: DeadLetter) => {
    await deadLetters.remove(letter);
    held.delete(letter.id);
  };
  try {
    if (left.size === 0) return;
    const receive = () => deadLetters.receive(SELECTED_VISIBILITY_SECONDS);
    for await (const letters of receivedBatches(receive, ({ id }) => seen.has(id), clock)) {
      for (const letter of letters) {
        seen.add(letter.id);
        held.set(letter.id, letter);
      }
      await handle(
        letters.filter(({ id }) => left.has(id)),
        remove,
      );
      if (left.size === 0) return;
    }
  } finally {
    await deadLetters.giveBack([...held.values()]);
  }
}

/** `3 not-json, 1 unstorable` */
export const countsByReason = (letters: readonly Pick<DeadLetter, 'reason'>[]) =>
  [...groupBy(letters, ({ reason }) => reason)].map(([reason, { length }]) => `${length} ${reason}`).join(', ');
