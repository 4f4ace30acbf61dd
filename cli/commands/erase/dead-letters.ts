import { recipientOf } from '../../../lambdas/domain/events/mailgun-event.ts';
import { decodeQueueMessage, encodeQueueMessage, REDRIVE_GROUP } from '../../../lambdas/domain/events/queue-message.ts';
import { recipientKey } from '../../../lambdas/domain/keys.ts';
import { withoutAddress } from '../../../lambdas/domain/recipients/erasure.ts';
import { type ClearedMessage, holdsAddress, type SearchedQueue } from './clear-queue.ts';

/** Returns the DLQ, of which messages of the recipient go back to the queue, where they become tombstones. */
export function eventDeadLetters(
  { queueUrl, deadLettersUrl }: { queueUrl: string; deadLettersUrl: string },
  recipient: string,
): SearchedQueue {
  return {
    queueUrl: deadLettersUrl,
    clear: (body) => clear(body, recipient),
    sendTo: { queueUrl, groupId: REDRIVE_GROUP },
  };
}

/**
 * One that this version cannot read is known only to name the recipient; it is deleted, and
 * reconciliation misses its event if it was one.
 */
function clear(body: string, recipient: string): ClearedMessage {
  const decoded = decodeQueueMessage(body);
  if (!decoded.ok) return holdsAddress(body, recipient) ? 'deleted' : 'kept';
  const { message } = decoded;
  if (recipientKey(recipientOf(message.event) ?? '') === recipientKey(recipient)) return { body };
  const event = withoutAddress(message.event, recipient);
  return event === message.event ? 'kept' : { body: encodeQueueMessage({ ...message, event }) };
}
