import type { RecipientMessageEntry } from '../../api/responses/recipient.ts';
import { recipientKey } from '../domain/keys.ts';
import type { MessagePlace, RecipientHistory } from '../domain/read-ports.ts';
import { isKeyText, isTime } from './cursor.ts';

export interface RecipientQuery {
  recipient: string;
  limit: number;
  position?: MessagePlace | undefined;
}

export function isMessagePlace(value: unknown): value is MessagePlace {
  const { atMs, partition } = (value ?? {}) as Partial<MessagePlace>;
  return isTime(atMs) && isKeyText(partition) && /^(MSG|NOMSG)#/.test(partition);
}

/** A page of a recipient's messages, newest first: one query, and one read for each hundred of them. */
export function createRecipients(history: RecipientHistory) {
  return async ({ recipient, limit, position }: RecipientQuery) => {
    const key = recipientKey(recipient);
    const { places, hasMore } = await history.newest(key, limit, position);
    const found = await history.messages(key, places);
    const messages = found.flatMap((message): RecipientMessageEntry[] => {
      if (message === undefined) return [];
      const { status, reason, statusAtMs } = message.status;
      return [{ messageId: message.messageId, status, reason, statusAt: statusAtMs / 1000 }];
    });
    return { body: { recipient, messages }, next: hasMore ? places.at(-1) : undefined };
  };
}
