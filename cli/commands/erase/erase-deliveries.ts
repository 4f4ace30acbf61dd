import { asciiJson, isObject, type JsonObject } from '../../../lambdas/domain/canonical.ts';
import {
  encodeQueuedEvent,
  eventWithoutAddress,
  parseQueuedEvent,
  type QueuedEvent,
} from '../../../lambdas/domain/publishing/delivery.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';
import { receiversOf } from '../receivers/open.ts';
import { VISIBILITY_SECONDS as REDELIVERY_SECONDS } from '../receivers/redeliver.ts';
import { type ClearedMessage, holdsAddress, type SearchedQueue } from './clear-queue.ts';

/**
 * Returns the queues of published changes that nothing but an operator empties: the DLQs of receivers, and what could
 * not be published. The queues of receivers are not among them: deliver takes the address out of each of their messages
 * within half a day, and most are hidden from anyone else until then.
 */
export function deliveryQueues(deployment: Deployment, recipient: string): SearchedQueue[] {
  const clear = (body: string) => clearDelivery(body, recipient);
  const dead = receiversOf(deployment).map(({ deadLettersUrl }) => ({
    queueUrl: deadLettersUrl,
    clear,
    heldSeconds: REDELIVERY_SECONDS,
  }));
  if (!hasOutput(deployment, 'PublishFailuresUrl')) return dead;
  return [...dead, { queueUrl: deployment.output('PublishFailuresUrl'), clear }];
}

function clearDelivery(body: string, recipient: string): ClearedMessage {
  const event = parseQueuedEvent(body);
  if (typeof event !== 'string') {
    const cleaned = eventWithoutAddress(event, recipient);
    return cleaned === event ? 'kept' : { body: encodeQueuedEvent(cleaned) };
  }
  const failure = unpublished(body);
  if (failure === undefined) return holdsAddress(body, recipient) ? 'deleted' : 'kept';
  const cleaned = eventWithoutAddress(failure, recipient);
  return cleaned === failure ? 'kept' : { body: asciiJson({ ...failure.message, detail: cleaned.detail }) };
}

/** Returns a message of the queue of what could not be published; undefined where it is none. */
function unpublished(body: string): (QueuedEvent & { message: JsonObject }) | undefined {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isObject(message)) return undefined;
  const { detailType, detail } = message;
  if (typeof detailType !== 'string' || !isObject(detail) || typeof detail.id !== 'string') return undefined;
  const queued = { detailType, publishedAt: 0, detail: detail as QueuedEvent['detail'], requestedAt: 0 };
  return { ...queued, message: message as JsonObject };
}
