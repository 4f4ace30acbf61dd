import type { MailgunEvent } from '../events/mailgun-event.ts';
import { statusUpdateOf } from './status.ts';
import { suppressionOf } from './suppression.ts';

/** Returns what follows from an event for its message and its recipient, as one comparable text. */
export function decidingFacts(event: MailgunEvent): string {
  return JSON.stringify([statusUpdateOf(event), suppressionOf(event) ?? null]);
}
