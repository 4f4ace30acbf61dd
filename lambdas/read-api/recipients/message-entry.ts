import type { RecipientMessageEntry } from '../../../api/responses/recipient.ts';
import { parseEvent } from '../../domain/events/mailgun-event.ts';
import type { RecipientMessage } from '../ports.ts';

/** Returns what distinguishes one mail from another; most of it is in the deciding event, if that is stored already. */
export function messageEntry(
  { messageId, status, deciding }: RecipientMessage,
  more: Pick<RecipientMessageEntry, 'confirmed' | 'engagement'>,
): RecipientMessageEntry {
  const { subject = null, tags, isTestMode, isInbound } = parseEvent(deciding?.event ?? {});
  return {
    messageId,
    status: status.status,
    reason: status.reason,
    statusAt: status.statusAtMs / 1000,
    firstAt: status.firstAtMs / 1000,
    subject,
    tags,
    domain: deciding?.domain ?? null,
    testMode: isTestMode,
    direction: isInbound ? 'inbound' : 'outbound',
    unconfirmed: deciding?.unconfirmedSinceMs !== undefined,
    ...more,
  };
}
