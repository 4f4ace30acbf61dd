import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadyLine } from '../../tools/local-ledger/ready-line.ts';
import type { Random } from '../../tools/mailgun-twin/random.ts';
import { lifeEvent, OUTCOME_NAMES } from '../model/worlds/life-events.ts';
import { signed } from '../support/fixtures/webhooks.ts';

type Event = ReturnType<typeof lifeEvent>;

const EVENTS_PER_MESSAGE = 5;
const AT_ONCE = 24;
const MAX_ATTEMPTS = 40;
const POST_TIMEOUT_MS = 10_000;

/** Result of the posts. */
export interface Traffic {
  attempted: Map<string, Event>;
  acknowledged: Set<string>;
  statusCodes: Map<string, number>;
  /** Number of used tokens presented again with another body. */
  replays: number;
}

/** Returns the key of an event as in the read API. */
export function eventKey(messageId: string, recipient: string, key: string): string {
  return `${messageId} ${recipient} ${key}`;
}

/**
 * Posts events as Mailgun does under faults: retried until acknowledged (`delivered` only once), half of the retries
 * signed again, some sent twice at once, and some tokens replayed with a forged body.
 */
export async function sendTraffic(
  ready: ReadyLine,
  { events: count, firstMessage }: { events: number; firstMessage: number },
  random: Random,
  onProgress: (sent: number) => void,
): Promise<Traffic> {
  const traffic: Traffic = { attempted: new Map(), acknowledged: new Set(), statusCodes: new Map(), replays: 0 };
  const post = async (event: Event, signature: ReturnType<typeof signed>) => {
    const body = JSON.stringify({ signature, 'event-data': event });
    const outcome = await fetch(ready.webhookUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(POST_TIMEOUT_MS),
    }).then(
      (response) => String(response.status),
      () => 'no response',
    );
    traffic.statusCodes.set(outcome, (traffic.statusCodes.get(outcome) ?? 0) + 1);
    return outcome;
  };

  async function deliver(event: Event): Promise<void> {
    const key = keyOf(event);
    traffic.attempted.set(key, event);
    const attempt = async (signature: ReturnType<typeof signed>) => {
      const outcome = await post(event, signature);
      if (outcome === '200') traffic.acknowledged.add(key);
      return outcome;
    };
    let signature = signNow(ready.signingKey);
    for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts += 1) {
      const copies = random.chance(0.1) ? 2 : 1;
      const outcomes = await Promise.all(Array.from({ length: copies }, () => attempt(signature)));
      if (outcomes.includes('200') || outcomes.includes('406') || event.event === 'delivered') break;
      await sleep(50 + random.next() * 500);
      if (random.chance(0.5)) signature = signNow(ready.signingKey);
    }
    if (traffic.acknowledged.has(key) && random.chance(0.03)) {
      traffic.replays += 1;
      await post({ ...event, recipient: 'eve@example.org' }, signature);
    }
  }

  let next = 0;
  const worker = async () => {
    while (next < count) {
      const nth = next++;
      await deliver(nthEvent(nth, firstMessage, random));
      onProgress(nth + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return traffic;
}

function nthEvent(nth: number, firstMessage: number, random: Random): Event {
  const outcome = OUTCOME_NAMES[Math.floor(random.next() * OUTCOME_NAMES.length)] ?? 'delivered';
  return lifeEvent(outcome, firstMessage + Math.floor(nth / EVENTS_PER_MESSAGE), nth % 2, nth);
}

function keyOf(event: Event): string {
  const { headers } = event.message as { headers: { 'message-id': string } };
  return eventKey(headers['message-id'], String(event.recipient), `${event.event}#${event.id}`);
}

function signNow(key: string) {
  return signed(key, { timestamp: String(Math.floor(Date.now() / 1000)) });
}
