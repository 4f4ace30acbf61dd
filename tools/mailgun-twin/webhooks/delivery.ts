import type { Clock } from '../clock.ts';
import { HEX, type Random } from '../random.ts';
import { type Outcome, outcomeOf, USUAL_RETRY_MINUTES } from './retries.ts';
import { type AccountKeys, createSignature, type WebhookSignature } from './signature.ts';
import type { Post, WebhookRequest } from './webhook.ts';

/** One POST; status null if no response arrived. */
interface Attempt {
  readonly at: number;
  readonly status: number | null;
}

/** Attempts and outcome of delivering one event. */
export interface DeliveryRecord {
  attempts: Attempt[];
  /** Duplicate copies, which Mailgun neither tracks nor retries. */
  repeats: Attempt[];
  outcome: Outcome;
}

/** A network fault: the request or its response is lost. */
export type Trouble = 'request-lost' | 'response-lost';

export interface Repeat {
  readonly afterMs: number;
  readonly token: 'same' | 'fresh';
}

/** How one event is delivered. */
export interface DeliveryPlan {
  /** Delay, which lets other events overtake it. */
  readonly delayMs: number;
  readonly retryMinutes: readonly number[];
  /** Whether a retry is signed again: Mailgun does not document it, so both must work. */
  readonly tokenOnRetry: 'same' | 'fresh';
  /** Faults of the first attempts, in order. */
  readonly troubles: readonly Trouble[];
  readonly repeats: readonly Repeat[];
}

/** A delivery without faults. */
export const SMOOTH: DeliveryPlan = {
  delayMs: 0,
  retryMinutes: USUAL_RETRY_MINUTES,
  tokenOnRetry: 'same',
  troubles: [],
  repeats: [],
};

interface DeliveryTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly post: Post;
  readonly keys: AccountKeys;
  /** Seconds of Mailgun's schedule per real second. */
  readonly compression: number;
}

/** An event ready to be signed. */
interface Parcel {
  readonly event: string;
  write(signature: WebhookSignature): WebhookRequest;
}

export const newRecord = (): DeliveryRecord => ({ attempts: [], repeats: [], outcome: 'pending' });

/** Returns the statuses of all copies; a 200 among them is the receiver's promise to keep the event. */
export const statusesOf = ({ attempts, repeats }: DeliveryRecord) =>
  [...attempts, ...repeats].map(({ status }) => status);

/** Delivers an event as Mailgun does; adds every attempt to `record` as it is made. */
export async function deliver(parcel: Parcel, plan: DeliveryPlan, record: DeliveryRecord, tools: DeliveryTools) {
  const { clock, random, keys } = tools;
  const newSignature = () =>
    createSignature(keys, { timestamp: String(Math.floor(clock.now() / 1000)), token: random.text(50, HEX) });

  await clock.sleep(plan.delayMs);
  const firstSignature = newSignature();
  await Promise.all([makeAttempts(firstSignature), ...plan.repeats.map(makeRepeat)]);

  async function makeAttempts(first: WebhookSignature) {
    let signature = first;
    for (const [made, waitMinutes] of [...plan.retryMinutes, undefined].entries()) {
      const attempt = await send(parcel.write(signature), tools, plan.troubles[made]);
      record.attempts.push(attempt);
      record.outcome = outcomeOf(parcel.event, attempt.status, waitMinutes !== undefined);
      if (record.outcome !== 'pending' || waitMinutes === undefined) return;
      await clock.sleep((waitMinutes * 60_000) / tools.compression);
      if (plan.tokenOnRetry === 'fresh') signature = newSignature();
    }
  }

  async function makeRepeat({ afterMs, token }: Repeat) {
    await clock.sleep(afterMs);
    record.repeats.push(await send(parcel.write(token === 'same' ? firstSignature : newSignature()), tools));
  }
}

async function send(webhook: WebhookRequest, { clock, post }: DeliveryTools, trouble?: Trouble): Promise<Attempt> {
  const at = clock.now();
  if (trouble === 'request-lost') return { at, status: null };
  const response = await post(webhook).catch(() => undefined);
  return { at, status: response === undefined || trouble === 'response-lost' ? null : response.status };
}
