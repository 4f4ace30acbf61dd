import { identify } from '../../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { createLedgerNaming } from '../../../lambdas/domain/ledger/ledger-name.ts';
import { ERASURE_KEY } from '../../support/fixtures/erasures.ts';
import { DOMAIN, NOW_MS } from '../../support/fixtures/webhooks.ts';
import fc from '../../support/property.ts';
import { numbered, ReconcileWorld } from './reconcile-world.ts';

// One slice that is passed several times while events are stored around each pass, the day index lags, and every pass
// has a listing of its own. The oracle knows which passes listed an event, and which can have known that it was stored.

const SLICE_START = Math.floor(NOW_MS / 900_000) * 900;
const FIRST_PASS_MS = (SLICE_START + 900 + 1800) * 1000;
/** An event stored this long before a pass is in the index for certain. */
const CERTAIN_MS = 90_000;
const PASSES = 4;
const RETENTION_SECONDS = 3600;
/** More than there are. */
const ALL = 100;

interface PlannedEvent {
  /** The pass before or after which it is stored, and by how much. */
  near: number;
  storedAfterMs: number;
  /** Its webhook waited this long in the queue. */
  queuedMs: number;
  indexedAfterMs: number;
  isErased: boolean;
  /** Which passes list it; a forged one is listed by none. */
  listed: boolean[];
}

interface PassingPlan {
  events: PlannedEvent[];
  /** Between passes. */
  gapsMs: number[];
  /** How many of the events Mailgun has forgotten at each pass, the oldest first; never at the first pass. */
  forgotten: number[];
  hasTotals: boolean;
}

const around = (...instants: number[]) => fc.constantFrom(...instants.flatMap((ms) => [ms - 1, ms, ms + 1]));

export const passingPlan: fc.Arbitrary<PassingPlan> = fc.record({
  events: fc.array(
    fc.record({
      near: fc.integer({ min: 0, max: PASSES - 1 }),
      storedAfterMs: fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: -100_000, max: 20_000 }) },
        { weight: 1, arbitrary: around(-90_000, -75_000, -60_000, -30_000, 0) },
      ),
      queuedMs: fc.constantFrom(0, 0, 14_000, 400_000),
      indexedAfterMs: fc.constantFrom(0, 1000, 61_000, 75_000),
      isErased: fc.boolean(),
      listed: fc.oneof(
        fc.constant(Array<boolean>(PASSES).fill(false)),
        fc.array(fc.boolean(), { minLength: PASSES, maxLength: PASSES }),
      ),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  gapsMs: fc.array(fc.constantFrom(95_000, 900_000, 86_400_000), { minLength: PASSES, maxLength: PASSES }),
  forgotten: fc.array(fc.constantFrom(0, 0, 0, ALL, 1, 2, 3), { minLength: PASSES, maxLength: PASSES }),
  hasTotals: fc.boolean(),
});

interface Made extends PlannedEvent {
  data: JsonObject;
  name: string;
  storedAtMs: number;
}

/** Runs a plan, and returns where the ledger disagrees with its oracle after any pass; empty if it never does. */
export async function wrongAfterPasses(plan: PassingPlan): Promise<string[]> {
  const world = new ReconcileWorld();
  world.mailgun.hasTotals = plan.hasTotals;
  world.times = { ...world.times, retentionSeconds: RETENTION_SECONDS };
  const passesMs = plan.gapsMs.map((_, nth) => FIRST_PASS_MS + plan.gapsMs.slice(0, nth).reduce((a, b) => a + b, 0));
  const nameOf = createLedgerNaming(ERASURE_KEY);
  const made: Made[] = plan.events.map((each, n) => {
    const recipient = `recipient${n}@example.org`;
    if (each.isErased) world.erasures.mark(recipient);
    const data = numbered(n, SLICE_START + 10 + n, { id: `event-${n}`, recipient });
    const storedAtMs = (passesMs[each.near] as number) + each.storedAfterMs;
    return { ...each, data, name: nameOf(identify(data, DOMAIN)), storedAtMs };
  });
  for (const { data } of made) world.mailgun.add(data);
  // One event that every pass lists, so that the slice is never empty.
  world.happen(numbered(6, SLICE_START + 5, { id: 'first' }), false);
  await world.process();

  const visibleAtMs = new Map<string, number>([...world.ledger.events.keys()].map((name) => [name, 0]));
  world.stored.isIndexed = (name) => (visibleAtMs.get(name) ?? Number.POSITIVE_INFINITY) <= world.nowMs;
  const noteVisible = (lagMs: number) => {
    for (const name of world.ledger.events.keys()) {
      if (!visibleAtMs.has(name)) visibleAtMs.set(name, world.nowMs + lagMs);
    }
  };

  const wrong: string[] = [];
  const waiting = [...made].sort((a, b) => a.storedAtMs - b.storedAtMs);
  const storedAtMs = new Map<Made, number>();
  const certain = new Set<Made>();
  const everListed = new Set<Made>();
  /** What the last pass that compared the slice left: the index it read, and what it listed of that. */
  let last: { indexed: string; known: Made[] } | undefined;
  let unconfirmedBefore = new Set<string>();
  for (const [nth, passMs] of passesMs.entries()) {
    for (; waiting[0] !== undefined && waiting[0].storedAtMs <= passMs; waiting.shift()) {
      const event = waiting[0];
      world.nowMs = event.storedAtMs;
      // What a pass has requeued is stored already.
      if (!storedAtMs.has(event)) storedAtMs.set(event, world.nowMs);
      world.webhook(event.data, DOMAIN, event.storedAtMs - event.queuedMs);
      await world.process();
      noteVisible(event.indexedAfterMs);
    }
    world.nowMs = passMs;
    // The first event counts as one; Mailgun keeps what is configured.
    const forgottenTo = SLICE_START + 8.5 + (plan.forgotten[nth] ?? 0);
    const mayForget = nth > 0 && (plan.forgotten[nth] === ALL || forgottenTo < passMs / 1000 - RETENTION_SECONDS);
    const forgotten = mayForget ? (plan.forgotten[nth] ?? 0) : 0;
    world.mailgun.beyondRetention = forgotten === ALL ? 'refuses' : 'lists the rest';
    world.mailgun.retentionSeconds = forgotten === 0 ? Number.POSITIVE_INFINITY : passMs / 1000 - forgottenTo;
    const isForgotten = (each: Made) => made.indexOf(each) + 1 < forgotten;
    const isListedNow = (each: Made) => !isForgotten(each) && each.listed[nth] === true;
    /** What Mailgun lists from then on, it keeps for certain. */
    const oldest = forgotten === 0 ? -1 : made.findIndex(isListedNow);
    const isDeniable = (each: Made) => forgotten === 0 || (oldest >= 0 && made.indexOf(each) > oldest);
    world.mailgun.isListed = ({ id }) => made.find(({ data }) => data.id === id)?.listed[nth] ?? true;
    const indexed = [...visibleAtMs].flatMap(([name, atMs]) => (atMs <= passMs ? [name] : [])).sort();
    // The slice is past its second pass, so that its time can be forgotten; a straggler gets it another one.
    await world.book.note(DOMAIN, { at: SLICE_START + 5, notedAt: passMs });
    await world.run({ ignoreWaits: true });
    const slice = world.book.slices.get(`${DOMAIN} ${SLICE_START}`);
    if (slice?.passes !== nth + 1) return [`pass ${nth} did not happen: ${world.failures.join(', ')}`];

    const unconfirmed = new Set(slice.unconfirmedNames);
    const unlisted = made.filter((each) => storedAtMs.has(each) && !isListedNow(each));
    // What was listed while it was certainly stored, or while the index held just what it holds now.
    const isSame = last !== undefined && indexed.join() === last.indexed;
    for (const each of isSame && forgotten === 0 ? (last?.known ?? []) : []) certain.add(each);
    let shrunk = 0;
    let unknown = 0;
    for (const each of unlisted) {
      const isSeen = indexed.some((name) => name.includes(`event-${made.indexOf(each)}`));
      if (!isSeen) continue;
      const id = `${each.data.id} after pass ${nth}`;
      const isUnconfirmed = unconfirmed.has(each.name);
      if (certain.has(each) && isUnconfirmed) wrong.push(`${id} was listed, and is unconfirmed`);
      if (isDeniable(each)) {
        if (!everListed.has(each) && !isUnconfirmed) wrong.push(`${id} was never listed, and is confirmed`);
        if (!isUnconfirmed) shrunk += 1;
        continue;
      }
      const receivedMs = (storedAtMs.get(each) ?? 0) - each.queuedMs;
      const isLate = receivedMs >= (SLICE_START + 10 + made.indexOf(each) + RETENTION_SECONDS) * 1000;
      const wasUnconfirmed = unconfirmedBefore.has(each.name);
      if (wasUnconfirmed && !isUnconfirmed) wrong.push(`${id} was unconfirmed before Mailgun forgot it`);
      if (isUnconfirmed && !wasUnconfirmed && !isLate) wrong.push(`${id} is forgotten, and unconfirmed`);
      if (!isUnconfirmed && !certain.has(each)) unknown += 1;
    }
    const listed = made.filter(isListedNow);
    const isCompared = forgotten === 0 || (listed.length > 0 && unknown === 0);
    for (const each of listed) {
      if (unconfirmed.has(each.name)) wrong.push(`${each.data.id} is listed by pass ${nth}, and is unconfirmed`);
    }
    if (slice.short !== shrunk) wrong.push(`short is ${slice.short} after pass ${nth}, should be ${shrunk}`);

    const isCertain = (each: Made) => (storedAtMs.get(each) ?? passMs) + CERTAIN_MS <= passMs;
    for (const each of listed) {
      everListed.add(each);
      // What was requeued is known by that.
      if ((isCompared && isCertain(each)) || !storedAtMs.has(each)) certain.add(each);
    }
    const isVisible = (each: Made) => indexed.some((name) => name.includes(`event-${made.indexOf(each)}`));
    if (isCompared) last = { indexed: indexed.join(), known: listed.filter(isVisible) };
    unconfirmedBefore = unconfirmed;
    await world.process();
    noteVisible(0);
    for (const each of listed) if (!storedAtMs.has(each)) storedAtMs.set(each, passMs);
  }
  return wrong;
}
