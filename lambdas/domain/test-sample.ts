import type { JsonObject } from './canonical.ts';

// Mailgun's "Test webhook" button posts the same three events for ever, freshly signed and dated 2018.
const SAMPLES: Readonly<Record<string, number>> = {
  CPgfbmQMTCKtHW6uIWtuVe: 1_521_472_262.908_181,
  G9Bn5sl1TC6nu79C8C0bwg: 1_521_233_195.375_624,
  'Fs7-5t81S2ispqxqDw2U4Q': 1_521_472_262.908_181,
};
const RECIPIENT = 'alice@example.com';

/** Returns true for an event that the test button sends: it is in no listing, and no mail was sent. */
export function isTestSample(event: JsonObject): boolean {
  const { id, timestamp, recipient } = event;
  return typeof id === 'string' && Object.hasOwn(SAMPLES, id) && SAMPLES[id] === timestamp && recipient === RECIPIENT;
}
