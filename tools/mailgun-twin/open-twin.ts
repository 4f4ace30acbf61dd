import { randomInt } from 'node:crypto';
import type { MailgunAccount } from './account.ts';
import { createClock } from './clock.ts';
import type { EventLog } from './event-log.ts';
import { createRandom } from './random.ts';
import { createTwin, type Twin } from './twin.ts';
import { createPost } from './webhook.ts';

const ANSWER_WITHIN_MS = 10_000;

/** What the twin shares with its API. */
export interface TwinMemory {
  readonly eventLog: EventLog;
  readonly account: MailgunAccount;
}

/** A Mailgun that reports to this URL, and notes what its API lists. */
export function openTwin(
  { webhookUrl }: { readonly webhookUrl: string },
  memory: TwinMemory,
  signal: AbortSignal,
  compression?: number,
): Twin {
  return createTwin({
    get signingKey() {
      return memory.account.signingKey;
    },
    post: createPost(webhookUrl, ANSWER_WITHIN_MS, signal),
    clock: createClock(signal),
    random: createRandom(randomInt(2 ** 32)),
    log: memory.eventLog,
    ...(compression !== undefined && { compression }),
  });
}
