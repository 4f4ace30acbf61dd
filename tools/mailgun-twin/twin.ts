import type { Clock } from './clock.ts';
import type { EventLog } from './listings/event-log.ts';
import type { Random } from './random.ts';
import type { EventData, Mail } from './traffic/event-parts.ts';
import { type DeliveryPlan, type DeliveryRecord, deliver, newRecord } from './webhooks/delivery.ts';
import type { SigningKeys } from './webhooks/signature.ts';
import { type Encoding, jsonWebhook, legacyWebhook, type Post } from './webhooks/webhook.ts';

/** Something the twin knows to have happened, and how reporting it went. */
export interface TwinEvent {
  readonly mail: Mail;
  readonly data: EventData;
  readonly encoding: Encoding;
  /** True if Mailgun's own event log would show it; it shows no press of the test button. */
  readonly listed: boolean;
  readonly record: DeliveryRecord;
}

export interface Happening {
  readonly mail: Mail;
  readonly data: EventData;
  readonly plan: DeliveryPlan;
  readonly encoding?: Encoding;
  readonly listed?: boolean;
  /** The keys of another account than the twin's own, such as a subaccount's. */
  readonly keys?: SigningKeys;
}

/** Mailgun, as far as its customers' servers can see it. */
export interface Twin {
  /** How many seconds of Mailgun's schedule pass in one second. */
  readonly compression: number;
  /** Everything that happened, in that order; only ever appended to. */
  readonly events: readonly TwinEvent[];
  /** Notes an event and starts to deliver it. */
  happen(happening: Happening): TwinEvent;
  /** Resolves when every delivery has ended, whatever its outcome. */
  settled(): Promise<void>;
}

export interface TwinDeps {
  /** Read for each event: it may be rotated. */
  readonly signingKey: string;
  /** Returns true where webhooks of a domain name no recipient; called for each. @default they do */
  readonly redacts?: (domain: string) => boolean;
  /** Posts an event to every URL that is registered for it; the outcome at the first is recorded. */
  readonly postsFor: (domain: string, data: EventData) => readonly Post[];
  readonly clock: Clock;
  readonly random: Random;
  /** Where the twin's API reads what it lists. */
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
      // One token carries one body.
      const bodies = new Map<string, EventData>();
      // The test button's sample, which no listing has, names no one who could be redacted.
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
        // Settled at once, so that a run that is called off leaves no rejection unheard.
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

/** What Mailgun redacts is written nowhere; a recipient that is masked, or absent, must both do no harm. */
function redacted({ recipient, ...data }: EventData, random: Random): EventData {
  const [first = ''] = recipient ?? '';
  return { ...data, ...random.pick([{ recipient: '***' }, { recipient: `${first}***@***` }, {}]) } as EventData;
}
