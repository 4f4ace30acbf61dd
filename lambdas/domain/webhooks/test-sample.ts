import { messageIdOf } from '../events/event.ts';
import type { JsonObject } from '../json.ts';

// Mailgun's "Test webhook" button always posts the same three events, freshly signed and dated 2018.
const SAMPLES: Readonly<Record<string, number>> = {
  CPgfbmQMTCKtHW6uIWtuVe: 1_521_472_262.908_181,
  G9Bn5sl1TC6nu79C8C0bwg: 1_521_233_195.375_624,
  'Fs7-5t81S2ispqxqDw2U4Q': 1_521_472_262.908_181,
};
const SAMPLE_RECIPIENT = 'alice@example.com';

/** The time of the event that `send-test` sends: as old as the samples, so that it is in no slice. */
export const TEST_EVENT_SECONDS = 1_521_472_262;
/** The prefix of that event's message id and recipient; no mail has such an id. */
export const TEST_EVENT_PREFIX = 'send-test';

/** Returns true for an event that only a test sends: it is in no listing, and no mail was sent. */
export function isTestSample(event: JsonObject): boolean {
  const { id, timestamp, recipient } = event;
  if (typeof id !== 'string' || typeof recipient !== 'string') return false;
  if (Object.hasOwn(SAMPLES, id)) return SAMPLES[id] === timestamp && recipient === SAMPLE_RECIPIENT;
  const isOurs = timestamp === TEST_EVENT_SECONDS && recipient.startsWith(`${TEST_EVENT_PREFIX}@`);
  return isOurs && (messageIdOf(event)?.startsWith(`${TEST_EVENT_PREFIX}-`) ?? false);
}
