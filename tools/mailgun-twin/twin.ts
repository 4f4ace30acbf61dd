import type { Clock } from './clock.ts';
import type { EventLog } from './listings/event-log.ts';
import type { Random } from './random.ts';
import type { EventData, Mail } from './traffic/event-parts.ts';
import { type DeliveryPlan, type DeliveryRecord, deliver, newRecord } from './webhooks/delivery.ts';
import type { AccountKeys } from './webhooks/signature.ts';
import { type Encoding, jsonWebhook, legacyWebhook, type Post } from './webhooks/webhook.ts';

/** An event of the twin, and how posting it went. */
export interface TwinEvent {
  readonly mail: Mail;
  readonly data: EventData;
  readonly encoding: Encoding;
  /** True if Mailgun's event log lists it; test button events are not listed. */
  readonly listed: boolean;
  readonly record: DeliveryRecord;
}

export interface Happening {
  readonly mail: Mail;
  readonly data: EventData;
  readonly plan: DeliveryPlan;
  readonly encoding?: Encoding;
  readonly listed?: boolean;
  /** Keys of another account, such as a subaccount's. */
  readonly keys?: AccountKeys;
}

/** Mailgun as its customers' servers see it. */
export interface Twin {
  /** Seconds of Mailgun's schedule per real second. */
  readonly compression: number;
  /** Everything that happened, in that order; append-only. */
  readonly events: readonly TwinEvent[];
  /** Records an event and starts its delivery. */
  happen(happening: Happening): TwinEvent;
  /** Resolves when every delivery has ended. */
  settled(): Promise<void>;
}

interface TwinDeps {
  /** Read for each event, because it may be rotated. */
  readonly signingKey: string;
  /** Returns true if the webhooks of a domain are redacted; called per event. @default never */
  readonly redacts?: (domain: string) => boolean;
  /** Returns the URLs registered for an event; the outcome at the first is recorded. */
  readonly postsFor: (domain: string, data: EventData) => readonly Post[];
  readonly clock: Clock;
  readonly random: Random;
  /** The log that the twin's API lists. */
  readonly log?: EventLog;
  /** @default eight hours take 7 s */
  readonly compression?: number;
}

const DEFAULT_COMPRESSION = 4320;

export function createTwin(deps: TwinDeps): Twin {
  const { log, compression = DEFAULT_COMPRESSION, postsFor, clock, random } = deps;
  const events: TwinEvent[] = [];
  const deliveries: Promise<PromiseSettledResult<void>>[] = [];

  return {
    compression,
    events,
    happen: ({ mail, data, plan, encoding = 'json', listed = true, keys = { signing: deps.signingKey } }) => {
      const event: TwinEvent = { mail, data, encoding, listed, record: newRecord() };
      events.push(event);
      if (listed) log?.add(mail.domain, data);
      // One token signs one body.
      const bodies = new Map<string, EventData>();
      // The test button's sample is never redacted: it is not listed, and names no real recipient.
      const redacts = () => listed && (deps.redacts?.(mail.domain) ?? false);
      const bodyUnder = (token: string) => {
        const body = bodies.get(token) ?? (redacts() ? redacted(data, random) : data);
        bodies.set(token, body);
        return body;
      };
      const parcel = {
        event: data.event,
        write: (signature: Parameters<typeof jsonWebhook>[1]) =>
          encoding === 'json'
            ? jsonWebhook(bodyUnder(signature.token), signature)
            : legacyWebhook(encoding, data, mail, signature),
      };
      for (const [index, post] of postsFor(mail.domain, data).entries()) {
        const record = index === 0 ? event.record : newRecord();
        const delivery = deliver(parcel, plan, record, { post, clock, random, keys, compression });
        // Settled at once, so that a cancelled run leaves no unhandled rejection.
        deliveries.push(Promise.allSettled([delivery]).then(([result]) => result));
      }
      return event;
    },
    settled: async () => {
      const results = await Promise.all(deliveries);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}

/** Masks the recipient or leaves it out: Mailgun does not document which, so both must be harmless. */
function redacted({ recipient, ...data }: EventData, random: Random): EventData {
  const [first = ''] = recipient ?? '';
  return { ...data, ...random.pick([{ recipient: '***' }, { recipient: `${first}***@***` }, {}]) } as EventData;
}
