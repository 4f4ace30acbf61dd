import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { total } from '../../../lambdas/domain/ledger/counts.ts';
import { type LedgerDomains, NO_DOMAINS } from '../../../lambdas/domain/ledger/ledger-domains.ts';
import { doubtfulIn, isUnsettled, type Slice, stateOf, unconfirmedIn } from '../../../lambdas/domain/ledger/slice.ts';
import { type AccountDomains, ListingError } from '../../../lambdas/reconcile/ports.ts';
import {
  accountDomains,
  createDiscoverDomains,
  createNoteConfigured,
  runDomains,
} from '../../../lambdas/reconcile/webhooks/discover-domains.ts';
import type { InMemoryMailgun } from '../../support/doubles/in-memory-reconcile.ts';
import { NOW_MS } from '../../support/fixtures/webhooks.ts';
import fc from '../../support/property.ts';
import { numbered, ReconcileWorld } from './reconcile-world.ts';

// Worlds whose domains leave a list or the account, and come back, also after longer than Mailgun's retention, while the table refuses to say
// which they were, and reconcile stands still. The oracle of gauges is the ledger, read whole; that of the ledger is what
// happened at Mailgun.

const SLICE = 900;
const START = Math.floor(NOW_MS / 1000 / SLICE) * SLICE;
const RETENTION_SECONDS = 6 * 3600;
const EVENTFUL_QUARTERS = 130;
/** Longer than retention and the margin after it. */
const CALM_QUARTERS = 150;
/** Longer than retention and the margin after it, when a domain that left early is compared no more. */
const REDRIVEN_AFTER_QUARTERS = 140;
/** When the first run may compare a slice: after its end and the time to settle. */
const DUE_AFTER_QUARTERS = 3;
/** How long an empty listing says something of a slice: for a minute less than Mailgun keeps its beginning. */
const LISTED_FOR_QUARTERS = RETENTION_SECONDS / SLICE - 1;
/** As the alarm has it: half of retention. */
const MAX_AGE_SECONDS = RETENTION_SECONDS / 2;
const NAMES = ['stays.example.com', 'first.example.com', 'second.example.com'];

/** `redriven`: forged, and stored from the DLQ only long after. */
type Kind = 'posted' | 'lost' | 'forged' | 'never stored' | 'redriven';

interface DomainWorldPlan {
  mode: 'list' | 'account';
  /** Quarters in which each domain but the first leaves, comes back, leaves, and so on. */
  changes: number[][];
  events: { quarter: number; domain: number; kind: Kind }[];
  /** Quarters in which the item of the domains cannot be read. */
  unread: number[];
  /** Quarters without a run, from one up to another. */
  pauses: { from: number; length: number }[];
  beyondRetention: InMemoryMailgun['beyondRetention'];
  hasTotals: boolean;
}

const quarter = fc.nat(EVENTFUL_QUARTERS - 1);
const quarters = (maxLength: number) =>
  fc.uniqueArray(quarter, { maxLength }).map((list) => list.sort((a, b) => a - b));
export const domainWorldPlan: fc.Arbitrary<DomainWorldPlan> = fc.record({
  mode: fc.constantFrom('list', 'account'),
  changes: fc.array(quarters(4), { minLength: NAMES.length - 1, maxLength: NAMES.length - 1 }),
  events: fc.array(
    fc.record({
      quarter,
      domain: fc.nat(NAMES.length - 1),
      kind: fc.constantFrom<Kind>('posted', 'posted', 'lost', 'lost', 'forged', 'never stored', 'redriven'),
    }),
    { maxLength: 30 },
  ),
  unread: quarters(12),
  pauses: fc.array(fc.record({ from: quarter, length: fc.integer({ min: 1, max: 50 }) }), { maxLength: 1 }),
  beyondRetention: fc.constantFrom('refuses', 'lists nothing', 'lists the rest'),
  hasTotals: fc.boolean(),
});

/** Runs a plan; returns what contradicts the oracle, empty if nothing does. */
export async function contradictions(plan: DomainWorldPlan): Promise<string[]> {
  const found: string[] = [];
  const world = new ReconcileWorld();
  world.nowMs = START * 1000;
  world.fromEpochSeconds = START;
  world.times = { ...world.times, retentionSeconds: RETENTION_SECONDS };
  world.mailgun.retentionSeconds = RETENTION_SECONDS;
  world.mailgun.beyondRetention = plan.beyondRetention;
  world.mailgun.hasTotals = plan.hasTotals;
  let isUnread = false;
  let item: LedgerDomains = NO_DOMAINS;
  const store = {
    async read() {
      if (isUnread) throw new Error('the read is throttled');
      return structuredClone(item);
    },
    async write(next: LedgerDomains, previous: LedgerDomains) {
      item = structuredClone({ ...next, version: previous.version + 1 });
      return item;
    },
  };
  const isPresent = (domain: number, nth: number) =>
    domain === 0 || (plan.changes[domain - 1] as number[]).filter((change) => change <= nth).length % 2 === 0;
  const isGoneWhile = (domain: number, from: number, to: number) =>
    plan.mode === 'account' &&
    Array.from({ length: to - from }, (_, n) => isPresent(domain, from + n)).every((is) => !is);
  const isPaused = (nth: number) => plan.pauses.some(({ from, length }) => nth >= from && nth < from + length);
  const slices = () => [...world.book.slices.values()];
  const forged = new Set<string>();
  /** Forged ones of domains that were gone from the account as long as Mailgun could have been asked for them. */
  const unknowable = new Set<string>();
  const redriven = new Map<number, (() => void)[]>();
  let present: string[] = [];
  let compared = 0;
  const regionOf = (name: string) => ({ name, region: 'us' as const });
  const about = {
    everySeconds: SLICE,
    retentionSeconds: RETENTION_SECONDS,
    ledger: world.book,
    now: () => world.nowMs,
    onFailure: () => undefined,
  };
  const account: AccountDomains = {
    placeOf: () => 'everywhere',
    listed: async () => present.map((name) => ({ name, isOfSubaccount: false, isActive: true })),
    has: async ({ name }) => present.includes(name),
  };
  const nothingNoted = { undiscovered: async () => [], dropUndiscovered: async () => {} };
  const readDomains = async () => {
    if (plan.mode === 'list') {
      const { known, isKnown } = await createNoteConfigured({ ...about, store, configured: present.map(regionOf) })();
      return { ...runDomains(known, present.map(regionOf)), isKnown };
    }
    const rules = { holderOf: () => undefined, isConfigured: async () => true, account };
    const discover = createDiscoverDomains({ ...about, ...rules, store: { ...store, ...nothingNoted } });
    const times = { fromEpochSeconds: START, retentionSeconds: RETENTION_SECONDS };
    return { ...accountDomains(await discover({ ignoreWaits: false }), times), isKnown: true };
  };
  world.mailgun.onPage = ({ domain }) => {
    if (plan.mode === 'account' && !present.includes(domain.name)) throw new ListingError('domain-not-found');
  };

  for (let nth = 0; nth < EVENTFUL_QUARTERS + CALM_QUARTERS; nth += 1) {
    present = NAMES.filter((_, domain) => isPresent(domain, nth));
    for (const [n, { quarter, domain, kind }] of plan.events.entries()) {
      if (quarter !== nth) continue;
      const name = NAMES[domain] as string;
      const event = numbered(n * 7 + 1, world.nowMs / 1000 + 100 + n, {
        id: `${kind}-${n}-`,
        domain: { name },
        message: { headers: { 'message-id': `${n}@${name}` } },
      });
      const isForged = kind === 'forged' || kind === 'redriven';
      // What is gone from the account sends nothing.
      if (!isForged && (plan.mode === 'list' || present.includes(name))) world.mailgun.add(event);
      if (!present.includes(name)) continue;
      if (isForged) forged.add(String(event.id));
      if (kind === 'forged' && isGoneWhile(domain, nth + DUE_AFTER_QUARTERS, nth + LISTED_FOR_QUARTERS)) {
        unknowable.add(String(event.id));
      }
      const post = () => world.webhook(event, name);
      if (kind === 'forged' || kind === 'posted') post();
      const at = nth + REDRIVEN_AFTER_QUARTERS;
      if (kind === 'redriven') redriven.set(at, [...(redriven.get(at) ?? []), post]);
    }
    for (const post of redriven.get(nth) ?? []) post();
    await world.process();
    world.nowMs += SLICE * 1000;
    if (isPaused(nth)) continue;
    isUnread = plan.unread.includes(nth);
    const run = await readDomains().catch(() => undefined);
    if (run === undefined) continue;
    world.domains = [...run.compared];
    world.areDomainsKnown = run.isKnown;
    compared = run.compared.length;
    const { result } = await world.run();
    if (result?.kind !== 'ran') found.push(`run ${nth} is ${result?.kind}`);
    else if (plan.pauses.length === 0 && result.gauges.watermarkAge > MAX_AGE_SECONDS)
      found.push(`the watermark of run ${nth} is ${result.gauges.watermarkAge} s old`);
    if (result?.kind === 'ran' && result.judgement.isGauged) found.push(...untruths(nth, result, slices()));
    world.ledger.queue = world.ledger.queue.filter((body) => !body.includes('"never stored-'));
    await world.process();
  }
  const kept = present.length + NAMES.filter((name) => !present.includes(name) && isTroubled(slices(), name)).length;
  if (compared !== kept) found.push(`${compared} domains are compared at last, should be ${kept}`);
  return [...found, ...errorsIn(world, slices(), { forged, unknowable, isAlwaysRun: plan.pauses.length === 0 })];
}

type Run = Extract<NonNullable<Awaited<ReturnType<ReconcileWorld['run']>>['result']>, { kind: 'ran' }>;

/** Returns which gauges of a run say less than the ledger of all domains that ever were. */
function untruths(nth: number, { report, gauges }: Run, slices: readonly Slice[]): string[] {
  const open = slices.filter(isUnsettled);
  const sum = (of: (slice: Slice) => number) => slices.reduce((all, slice) => all + of(slice), 0);
  const is = [report.open, gauges.stuck, gauges.inDoubt];
  const should = [open.length, sum(({ stuck }) => stuck), sum(doubtfulIn)];
  return is.join() === should.join() ? [] : [`open, stuck and in doubt of run ${nth} are ${is}, should be ${should}`];
}

const isTroubled = (slices: readonly Slice[], name: string) =>
  slices.some((slice) => slice.domain === name && (isUnsettled(slice) || doubtfulIn(slice) > 0));

/** Returns what is wrong at the end. */
function errorsIn(
  { ledger, mailgun, stored }: ReconcileWorld,
  slices: readonly Slice[],
  {
    forged,
    unknowable,
    isAlwaysRun,
  }: { forged: ReadonlySet<string>; unknowable: ReadonlySet<string>; isAlwaysRun: boolean },
): string[] {
  const found: string[] = [];
  const sliceOf = (event: JsonObject) =>
    slices.find(({ domain, start, end }) => {
      const at = Number(event.timestamp);
      return (event.domain as { name: string }).name === domain && at >= start && at < end;
    });
  const events = [...ledger.events.entries()].map(([name, { event }]) => ({ name, id: String(event.id), event }));
  const ids = new Set(events.map(({ id }) => id));
  for (const event of mailgun.events) {
    const slice = sliceOf(event);
    const isMissing = !ids.has(String(event.id));
    if (isMissing && slice && stateOf(slice) === 'settled') found.push(`${event.id} is missing from a settled slice`);
  }
  for (const slice of slices.filter(isUnsettled)) {
    const isExplained = mailgun.events.some((event) => sliceOf(event) === slice && !ids.has(String(event.id)));
    if (!isExplained) found.push(`slice ${slice.domain} ${slice.start - START} ends ${stateOf(slice)}`);
  }
  const unconfirmed = slices.reduce((all, slice) => all + unconfirmedIn(slice), 0);
  const isWrong = unconfirmed > forged.size || (isAlwaysRun && unconfirmed < forged.size - unknowable.size);
  if (isWrong) found.push(`${unconfirmed} events are unconfirmed, ${forged.size} are forged`);
  for (const { id, event } of events.filter(({ id }) => unknowable.has(id))) {
    const state = stateOf(sliceOf(event) as Slice);
    if (state !== 'unlisted') found.push(`${id} cannot be known, and its slice is ${state}`);
  }
  for (const { name, id } of events) {
    if (stored.unconfirmed.has(name) && !forged.has(id)) found.push(`${id} is marked as unconfirmed`);
  }
  const counted = slices.reduce((all, slice) => all + total(slice.stored), 0);
  if (counted !== events.length) found.push(`${counted} of ${events.length} stored events are counted`);
  return found;
}
