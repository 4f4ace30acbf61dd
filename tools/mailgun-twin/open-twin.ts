import { randomInt } from 'node:crypto';
import { type MailgunAccount, redacts } from './api/account.ts';
import { createClock } from './clock.ts';
import type { EventLog } from './listings/event-log.ts';
import { createRandom } from './random.ts';
import type { EventData } from './traffic/event-parts.ts';
import { createTwin, type Twin } from './twin.ts';
import { createPost, type Post } from './webhooks/webhook.ts';

const RESPONSE_TIMEOUT_MS = 10_000;

/** State shared by the twin and its API. */
export interface TwinMemory {
  readonly eventLog: EventLog;
  readonly account: MailgunAccount;
}

/** Target of webhooks: one URL for all, or the URLs registered at that moment. */
type Receiver =
  | { readonly webhookUrl: string }
  | { readonly registeredFor: (domain: string, data: EventData) => readonly string[] };

/** Opens a twin that posts to a receiver and records what its API lists. */
export function openTwin(receiver: Receiver, memory: TwinMemory, signal: AbortSignal, compression?: number): Twin {
  const postTo = (url: string) => createPost(url, RESPONSE_TIMEOUT_MS, signal);
  const postsFor =
    'webhookUrl' in receiver
      ? onePost(postTo(receiver.webhookUrl))
      : (domain: string, data: EventData) => receiver.registeredFor(domain, data).map(postTo);
  return createTwin({
    get signingKey() {
      return memory.account.signingKey;
    },
    redacts: (domain) => redacts(memory.account, domain),
    postsFor,
    clock: createClock(signal),
    random: createRandom(randomInt(2 ** 32)),
    log: memory.eventLog,
    ...(compression !== undefined && { compression }),
  });
}

const onePost = (post: Post) => () => [post];
