import { messageIdOf } from '../../../lambdas/domain/event.ts';
import { type EventIdentity, identify } from '../../../lambdas/domain/identity.ts';
import { parseEvent } from '../../../lambdas/domain/mailgun-event.ts';
import { decodeQueueMessage, QUEUE_MESSAGE_VERSION, type QueueMessage } from '../../../lambdas/domain/queue-message.ts';
import { statusUpdateOf } from '../../../lambdas/domain/status.ts';
import { suppressionOf } from '../../../lambdas/domain/suppression.ts';
import { RECEIVES_EXHAUSTED } from './dead-letters.ts';

/** What the code of this version makes of a body; `error` names places in it, never what stands there. */
export type Diagnosis =
  | {
      readonly error: { readonly reason: string; readonly where: string };
      readonly message?: undefined;
      readonly identity?: undefined;
    }
  | { readonly error: null; readonly message: QueueMessage; readonly identity: EventIdentity };

/** Does with a body what process does before it writes. */
export function diagnose(body: string): Diagnosis {
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

/** What to do about a dead letter, in one sentence. */
export function adviceOf(reason: string, { error }: Diagnosis, isStored: boolean): string {
  if (isStored) return 'It is stored already; redrive it, which changes nothing, to be rid of it.';
  if (error?.reason === 'unknown-version') {
    return `It is of another version than ${QUEUE_MESSAGE_VERSION}, which this code reads: deploy the version that wrote it, then redrive.`;
  }
  if (error?.reason === 'not-json' || error?.reason === 'malformed-message') {
    return 'Neither ingest nor reconcile writes such a message: find out who else may send to the queue, then discard it.';
  }
  if (error !== null) return 'The code fails on it: mend that, deploy, then redrive.';
  if (reason === 'unstorable') return 'The code reads it, and the table refused it: mend the cause, then redrive.';
  if (reason === RECEIVES_EXHAUSTED)
    return 'The code reads it, and the table was out for all its tries: redrive once it answers.';
  return 'The code of this version reads it: deploy it, then redrive.';
}
