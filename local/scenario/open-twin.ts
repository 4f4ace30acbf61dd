import { randomInt } from 'node:crypto';
import { createClock } from '../mailgun-twin/clock.ts';
import type { EventLog } from '../mailgun-twin/event-log.ts';
import { createRandom } from '../mailgun-twin/random.ts';
import { createTwin, type Twin } from '../mailgun-twin/twin.ts';
import { createPost } from '../mailgun-twin/webhook.ts';
import type { ReadyInfo } from '../ready.ts';

const ANSWER_WITHIN_MS = 10_000;

/** A Mailgun that reports to a running stack, and notes what its API lists in `log`. */
export function openTwin(ready: ReadyInfo, log: EventLog, signal: AbortSignal, compression?: number): Twin {
  return createTwin({
    signingKey: ready.signingKey,
    post: createPost(ready.webhookUrl, ANSWER_WITHIN_MS, signal),
    clock: createClock(signal),
    random: createRandom(randomInt(2 ** 32)),
    log,
    ...(compression !== undefined && { compression }),
  });
}
