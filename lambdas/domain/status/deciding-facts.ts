import { parseEvent } from '../events/mailgun-event.ts';
import type { JsonObject } from '../json.ts';
import { statusUpdateOf } from './status.ts';
import { suppressionOf } from './suppression.ts';

/** Returns what follows from an event for its message and its recipient, as one comparable text. */
export function decidingFacts(event: JsonObject): string {
  const parsed = parseEvent(event);
  return JSON.stringify([statusUpdateOf(parsed), suppressionOf(parsed) ?? null]);
}
