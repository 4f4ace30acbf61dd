import { randomInt } from 'node:crypto';
import type { MailgunAccount } from '../mailgun-twin/account.ts';
import { createClock } from '../mailgun-twin/clock.ts';
import type { EventLog } from '../mailgun-twin/event-log.ts';
import { createRandom } from '../mailgun-twin/random.ts';
import { createTwin, type Twin } from '../mailgun-twin/twin.ts';
import { createPost } from '../mailgun-twin/webhook.ts';
import type { ReadyInfo } from '../ready.ts';

const ANSWER_WITHIN_MS = 10_000;

/** What the twin shares with its API. */
export interface TwinMemory {
  readonly eventLog: EventLog;
  readonly account: MailgunAccount;
}

/** A Mailgun that reports to a running stack, and notes what its API lists. */
export function openTwin(ready: ReadyInfo, memory: TwinMemory, signal: AbortSignal, compression?: number): Twin {
  return createTwin({
    get signingKey() {
      return memory.account.signingKey;
    },
    post: createPost(ready.webhookUrl, ANSWER_WITHIN_MS, signal),
    clock: createClock(signal),
    random: createRandom(randomInt(2 ** 32)),
    log: memory.eventLog,
    ...(compression !== undefined && { compression }),
  });
}
