import type { CampaignResponse } from '../../../api/responses/campaign.ts';
import { eraseArchive } from '../../../cli/commands/erase/erase-from-archive.ts';
import {
  type CampaignArchive,
  type CampaignSources,
  countCampaign,
} from '../../../cli/commands/report/count-campaign.ts';
import { sha256Hex } from '../../../lambdas/domain/archive/merkle.ts';
import { tracedObjects } from '../../../lambdas/domain/campaign/archived-event.ts';
import { recipientMail } from '../../../lambdas/domain/campaign/recipient-mail.ts';
import {
  SENDING_TYPES,
  type TaggedSlice,
  taggedSlice,
  timeRangesWithTag,
} from '../../../lambdas/domain/campaign/tagged-slices.ts';
import { tagsOf } from '../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { parseMessageSort, recipientKey } from '../../../lambdas/domain/keys.ts';
import { placeName } from '../../../lambdas/domain/ledger/ledger-name.ts';
import { storedTypeOf } from '../../../lambdas/domain/ledger/tally.ts';
import { tombstoneIdentity, tombstoneOf, withoutAddress } from '../../../lambdas/domain/recipients/erasure.ts';
import type { ArchivedRows } from '../../../lambdas/read-api/ports.ts';
import { createArchivedCampaigns } from '../../../lambdas/read-api/reports/archived-campaign.ts';
import { type CampaignDeps, createCampaigns } from '../../../lambdas/read-api/reports/campaigns.ts';
import { createSeal } from '../../../lambdas/seal/seal.ts';
import { objectsBetween } from '../../../lambdas/shared/listed-objects.ts';
import { createRandom, type Random } from '../../../tools/mailgun-twin/random.ts';
import type { EventData, Mail } from '../../../tools/mailgun-twin/traffic/event-parts.ts';
import * as made from '../../../tools/mailgun-twin/traffic/events.ts';
import { crashableArchive, InMemoryBucket, InMemorySealState } from '../../support/archive/in-memory-archive.ts';
import { CRASH_MOMENTS, CrashableInvocation } from '../../support/doubles/crashable-invocation.ts';
import { ERASURE_KEY, erasureKey } from '../../support/fixtures/erasures.ts';
import type { Sent } from '../../support/fixtures/spring-campaign.ts';
import { DOMAIN, NOW_MS } from '../../support/fixtures/webhooks.ts';
import { ReconcileWorld } from './reconcile-world.ts';

// A campaign with doubled, dropped and late webhooks, a lagging listing, interrupted runs and erased people, which is
// sealed and leaves the table; everything is drawn from a seed.

const QUARTER_MS = 900_000;
const START_MS = Math.floor(NOW_MS / QUARTER_MS) * QUARTER_MS;
const SENDING_QUARTERS = 12;
/** Long enough for second passes after Mailgun's eight hours, and for their seals. */
const QUARTERS = 48;
const TAG = 'spring';
const FIRST_HOUR_SECONDS = 3600;

const PEOPLE = Array.from({ length: 9 }, (_, nth) => `Person-${nth}@${['north.example', 'gmail.com'][nth % 2]}`) as [
  string,
  ...string[],
];

/** Counts by name and event type. */
type Rows = Record<string, Record<string, number>>;

/** The final state of a world, and the campaign's events. */
interface LivedCampaign {
  readonly sent: Sent[];
  /** All mail, whatever its tag. */
  readonly all: readonly Sent[];
  /** Returns the sums of all slices' statistics. */
  statistics(): { tags: Rows; providers: Rows };
  /** Counts like the `report` command. */
  count(): ReturnType<typeof countCampaign>;
  /** Counts like the read API. */
  respond(): Promise<CampaignResponse>;
}

export async function liveCampaign(seed: number): Promise<LivedCampaign> {
  const random = createRandom(seed);
  const all = mailOf(random);
  const world = new ReconcileWorld();
  world.times = { ...world.times, retentionSeconds: 8 * FIRST_HOUR_SECONDS };
  world.fromEpochSeconds = START_MS / 1000;
  world.nowMs = START_MS;
  world.mailgun.pageSize = 1 + random.below(60);
  const listedFrom = new Map(
    all.map(({ event }) => [
      event.id,
      event.timestamp * 1000 + (random.chance(0.2) ? random.below(8) * QUARTER_MS : 0),
    ]),
  );
  world.mailgun.isListed = ({ id }) => (listedFrom.get(String(id)) ?? 0) <= world.nowMs;
  const archive = random.chance(0.75) ? new Archive(world) : undefined;
  const erasures = Array.from({ length: random.below(3) }, () => ({
    address: random.pick(PEOPLE),
    quarter: random.below(QUARTERS),
    reachesArchive: random.chance(0.7),
  }));
  const waiting = all.toSorted((a, b) => a.event.timestamp - b.event.timestamp);
  for (const { event } of waiting) world.mailgun.add(event as unknown as JsonObject);
  for (let quarter = 0; quarter < QUARTERS; quarter += 1) {
    world.nowMs = START_MS + (quarter + 1) * QUARTER_MS;
    while ((waiting[0]?.event.timestamp ?? Number.POSITIVE_INFINITY) * 1000 < world.nowMs) {
      const { event } = waiting.shift() as Sent;
      const copies = random.chance(0.25) ? 0 : random.chance(0.3) ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) world.webhook(event as unknown as JsonObject);
    }
    world.ledger.queue.sort(() => random.next() - 0.5);
    if (random.chance(0.9)) await world.process();
    const trouble = { call: random.below(40), moment: random.pick(CRASH_MOMENTS), kind: 'crash' as const };
    await world.run(random.chance(0.2) ? { trouble } : {});
    for (const { address, reachesArchive } of erasures.filter((each) => each.quarter === quarter)) {
      world.erasures.mark(address);
      sweep(world, address);
      if (reachesArchive) await archive?.erase(address);
    }
    if (quarter % 8 === 7) await archive?.seal();
  }
  await world.live(2);
  for (const { address } of erasures) sweep(world, address);
  await archive?.seal();
  const heldFromMs =
    archive === undefined ? 0 : START_MS + random.below(QUARTERS) * QUARTER_MS + random.below(QUARTER_MS);
  // TTL deletes with a delay.
  const lag = random.next();
  for (const [name, { atMs }] of world.ledger.events)
    if (atMs < heldFromMs && !random.chance(lag)) world.ledger.events.delete(name);
  const time = timeOf(random);
  return {
    all,
    sent: sentIn(all, time),
    statistics: () => {
      const slices = [...world.book.slices.values()];
      return {
        tags: sumOf(slices.map(({ tags }) => tags)),
        providers: sumOf(slices.map(({ dimensions }) => dimensions.provider)),
      };
    },
    count: async () => {
      const fromSeconds = Math.floor(time.fromMs / 1000);
      const slices: TaggedSlice[] = [];
      for await (const slice of world.book.list(DOMAIN, 0, world.nowMs / 1000)) slices.push(taggedSlice(slice, TAG));
      const sending = slices.filter(({ start, end }) => end > fromSeconds && start * 1000 < time.toMs);
      const sources = { reader: readerOf(world), archive: await archive?.read(slices, heldFromMs) };
      const timeRanges = timeRangesWithTag(sending, time);
      const context = { signal: new AbortController().signal, printError: () => {} };
      return countCampaign(context, sources, { domain: DOMAIN, tag: TAG, time, timeRanges }, () => {});
    },
    respond: () => {
      const nowSeconds = Math.ceil(world.nowMs / 1000);
      // Fractions of days are valid here.
      const retentionDays = (nowSeconds - Math.ceil(heldFromMs / 1000) + FIRST_HOUR_SECONDS) / 86_400;
      const campaigns = createCampaigns({
        campaigns: readerOf(world),
        slices: world.book,
        ends: new Map(),
        retentionDays,
        now: () => world.nowMs,
        archive: archive?.reader(),
        sliceSeconds: 900,
        settleSeconds: 1800,
      });
      return campaigns({ domain: DOMAIN, tag: TAG, from: time.fromMs / 1000, to: time.toMs / 1000 });
    },
  };
}

function sumOf(slices: readonly Readonly<Record<string, Readonly<Record<string, number>>>>[]): Rows {
  const sum: Rows = {};
  for (const [name, counts] of slices.flatMap((rows) => Object.entries(rows))) {
    sum[name] ??= {};
    for (const [type, count] of Object.entries(counts)) sum[name][type] = (sum[name][type] ?? 0) + count;
  }
  return sum;
}

/** Returns the whole time range or a part of it. */
function timeOf(random: Random) {
  const end = START_MS + QUARTERS * QUARTER_MS;
  if (random.chance(0.6)) return { fromMs: START_MS, toMs: end };
  const fromMs = START_MS + random.below(SENDING_QUARTERS) * QUARTER_MS + random.below(900) * 1000;
  return { fromMs, toMs: Math.min(end, fromMs + (1 + random.below(8)) * QUARTER_MS) };
}

/** Returns the events of messages sent under the tag in this time, from the source list only. */
function sentIn(all: readonly Sent[], { fromMs, toMs }: { fromMs: number; toMs: number }): Sent[] {
  const isSending = ({ event: { event, timestamp, tags } }: Sent) => {
    const atMs = Math.floor(timestamp * 1000);
    const isTagged = ((tags as string[] | undefined) ?? []).some((tag) => tag.toLowerCase() === TAG);
    return ['accepted', 'delivered', 'failed', 'rejected'].includes(event) && isTagged && atMs >= fromMs && atMs < toMs;
  };
  const messages = new Set(all.filter(isSending).map(({ messageId }) => messageId));
  return all.filter(({ messageId }) => messages.has(messageId));
}

const TAGS: [string[], ...string[][]] = [['spring'], ['Spring', 'sale'], ['SPRING'], ['receipts'], []];

function mailOf(random: Random): Sent[] {
  return Array.from({ length: 8 + random.below(16) }, (_, nth) => {
    const to = PEOPLE.filter(() => random.chance(0.2));
    const recipients = to.length === 0 ? [random.pick(PEOPLE)] : to;
    const messageId = `mail.${nth}@${DOMAIN}`;
    const mail: Mail = {
      domain: DOMAIN,
      messageId,
      from: `hello@${DOMAIN}`,
      to: recipients,
      subject: 'x',
      tags: random.pick(TAGS),
    };
    const sentMs = START_MS + random.below(SENDING_QUARTERS * QUARTER_MS);
    return recipients.flatMap((recipient) =>
      lifeOf(random, mail, recipient, sentMs).map((event): Sent => ({ messageId, event })),
    );
  }).flat();
}

function lifeOf(random: Random, mail: Mail, recipient: string, sentMs: number): EventData[] {
  let epochMs = sentMs;
  const next = (build: made.EventBuilder, withinMs: number): EventData => {
    epochMs += 1 + random.below(withinMs);
    return build({ mail, recipient, epochMs, random });
  };
  const some = (probability: number, build: made.EventBuilder, withinMs = QUARTER_MS) =>
    random.chance(probability) ? [next(build, withinMs)] : [];
  const taken = some(0.95, made.accepted, 1000);
  // Mailgun may send it hours after accepting it.
  if (random.chance(0.2)) epochMs += random.below(8 * QUARTER_MS);
  const begin = [...taken, ...some(0.25, made.deferred(1, 600)), ...some(0.1, made.deferred(2, 600))];
  const end = random.next();
  if (end < 0.15) return [...begin, next(made.bounced, 5000)];
  if (end < 0.22) return [...begin, next(made.tooOld, QUARTER_MS)];
  if (end < 0.3) return [...begin, next(made.suppressed(random.pick([605, 606, 607])), 5000)];
  return [
    ...[...begin, next(made.delivered, 60_000)],
    // Has no tag.
    ...some(0.1, made.delayedBounce, 3 * QUARTER_MS),
    ...some(0.4, made.opened('apple')),
    ...some(0.4, made.opened(), QUARTER_MS / 2),
    ...some(0.15, made.clicked('generic')),
    ...some(0.25, made.clicked()),
    ...some(0.1, made.complained, 4 * QUARTER_MS),
    // Its tags are those unsubscribed from.
    ...some(0.1, made.unsubscribed(random.pick(['*', 'weekly'])), 4 * QUARTER_MS),
  ];
}

/** Erases from the table like the command. */
function sweep({ ledger }: ReconcileWorld, address: string): void {
  const { events } = ledger;
  // The in-memory index refreshes names only when this changes.
  ledger.corrected += 1;
  const own = recipientKey(address);
  for (const [name, record] of [...events]) {
    if (parseMessageSort(record.identity.eventSort).recipientKey !== own) {
      events.set(name, { ...record, event: withoutAddress(record.event, address) });
      continue;
    }
    const identity = tombstoneIdentity(record.identity, ERASURE_KEY);
    events.delete(name);
    events.set(placeName(identity), { ...record, identity, event: tombstoneOf(record.event, record.domain) });
  }
}

/** Returns a campaign reader over the in-memory table. */
function readerOf({ ledger, stored }: ReconcileWorld): CampaignSources['reader'] {
  const records = () => [...ledger.events.values()].filter(({ domain }) => domain === DOMAIN);
  async function* recipients(partition: string) {
    const events = records()
      .filter(({ identity }) => identity.partition === partition)
      .map(({ identity, atMs, event, domain, source, receivedAtMs }) => ({
        eventKey: identity.eventKey,
        recipientKey: parseMessageSort(identity.eventSort).recipientKey ?? '',
        atMs,
        event,
        domain,
        source,
        receivedAtMs,
        unconfirmedSinceMs: stored.unconfirmed.get(placeName(identity)),
      }));
    yield* Map.groupBy(events, (each) => each.recipientKey).values();
  }
  return {
    async *messages(_domain, tag, timeRanges) {
      const isInside = (atMs: number) => timeRanges.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs);
      const found = records().filter(
        ({ identity, event, atMs }) =>
          SENDING_TYPES.includes(storedTypeOf(identity.eventSort)) && isInside(atMs) && tagsOf(event).includes(tag),
      );
      yield { partitions: found.map(({ identity }) => identity.partition), read: found.length };
    },
    recipients,
    async *mails(partition) {
      for await (const events of recipients(partition)) {
        const mail = recipientMail(partition, events);
        if (mail !== undefined) yield mail;
      }
    },
  };
}

/** Seals the world in memory. */
class Archive {
  readonly #bucket = new InMemoryBucket();
  readonly #state = new InMemorySealState();
  readonly #world: ReconcileWorld;
  #salts = 0;

  constructor(world: ReconcileWorld) {
    this.#world = world;
  }

  #deps() {
    const { book, stored } = this.#world;
    return {
      ...crashableArchive(new CrashableInvocation(), this.#bucket, this.#state),
      lease: { hold: async () => true, release: async () => {} },
      slices: book,
      keys: stored,
      events: stored,
      domains: [DOMAIN],
      erasureKey,
      now: () => this.#world.nowMs,
      newRunId: () => 'run',
      every: () => () => {},
    };
  }

  async seal(): Promise<void> {
    const failures: unknown[] = [];
    const seal = createSeal({
      ...this.#deps(),
      everySeconds: 900,
      reachSeconds: 90 * 86_400,
      onFailure: (_domain, error) => failures.push(error),
      newSalt: () => String(++this.#salts).padStart(32, '0'),
    });
    await seal({ ignoreWaits: true, deadlineMs: this.#world.nowMs + 600_000 });
    if (failures.length > 0) throw failures[0];
  }

  async erase(recipient: string): Promise<void> {
    const { rewritable: objects, ...deps } = this.#deps();
    const context = { signal: new AbortController().signal, now: () => this.#world.nowMs, sleep: async () => {} };
    await eraseArchive({ ...deps, objects }, { recipient, erasureKey: ERASURE_KEY }, context, () => {});
  }

  reader(): NonNullable<CampaignDeps['archive']> {
    const bucket = this.#bucket;
    const read = createArchivedCampaigns({
      objects: {
        async *list(prefix) {
          for (const [key, text] of bucket.objects)
            if (key.startsWith(prefix)) yield { key, bytes: text.length, tag: sha256Hex(text) };
        },
        async open({ key }) {
          const groups: ArchivedRows[] = [];
          for await (const rows of (await bucket.open(key))?.rows() ?? []) groups.push({ read: async () => rows });
          return groups;
        },
      },
      erasures: this.#world.erasures,
      erasureKey,
      onFailure: (error) => {
        throw error;
      },
    });
    return { read, startDeadline: () => new AbortController().signal };
  }

  async read(slices: readonly TaggedSlice[], heldFromMs: number): Promise<CampaignArchive> {
    const bucket = this.#bucket;
    const listSized = async function* (prefix: string) {
      for (const [key, { length: bytes }] of bucket.objects) if (key.startsWith(prefix)) yield { key, bytes };
    };
    const objects = await objectsBetween(listSized, DOMAIN, START_MS / 1000, Math.ceil(heldFromMs / 1000));
    const keys = tracedObjects(objects, slices).map(({ key }) => key);
    return { source: bucket, keys, erasureKey: ERASURE_KEY, erasures: this.#world.erasures };
  }
}
