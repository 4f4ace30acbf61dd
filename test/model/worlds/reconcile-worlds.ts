import { eventTimeMs } from '../../../lambdas/domain/events/event.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { total } from '../../../lambdas/domain/ledger/counts.ts';
import { isUnsettled, type Slice, stateOf } from '../../../lambdas/domain/ledger/slice.ts';
import { ListingError } from '../../../lambdas/reconcile/ports.ts';
import type { Rounding } from '../../support/doubles/in-memory-reconcile.ts';
import { DOMAIN, NOW_MS } from '../../support/fixtures/webhooks.ts';
import fc from '../../support/property.ts';
import { numbered, ReconcileWorld } from './reconcile-world.ts';

// Worlds whose listing is unordered, repeats, rounds, shrinks, lags (past both passes, too) and refuses, with redacted webhooks, runs cut and
// killed at any point, and forged events. A plain comparison of two sets is the oracle.

const START = Math.floor(NOW_MS / 900_000) * 900;
const TROUBLED_QUARTERS = 12;
/** When the second passes of the events' slices are due. */
const FIRST_SECOND_QUARTER = 16;
const SECOND_QUARTERS = 12;
/** From here on runs are untroubled, and Mailgun lists what it listed in neither pass. */
const LISTED_AT_LAST_QUARTER = 32;
const QUARTERS = 56;
const SECOND_DOMAIN = 'second.example.com';

interface WorldEvent {
  /** Microseconds since the start of the ledger. */
  atUs: number;
  kind: number;
  isDropped: boolean;
  /** Quarters of an hour by which Mailgun lists it late; `passes`: after both passes of its slice. */
  listedLate: number | 'passes';
  domain: 'first' | 'second' | 'unknown';
  /** How each of its webhooks masks the recipient. */
  masks: Mask[];
  /** Quarters of an hour by which repeated webhooks are late. */
  repeatedLate: number;
}

/** `named`: not redacted. */
type Mask = 'named' | 'absent' | 'asterisks' | 'address' | 'word';

interface Forgery {
  /** `inside`: dated in a slice that may be compared already. */
  mode: 'plain' | 'future' | 'past' | 'inside' | 'altered' | 'masked';
  quarter: number;
  domain: 'first' | 'unknown';
}

interface RunTrouble {
  /** Number of calls after which the run is out of time. */
  budgetCalls: number | undefined;
  rateLimitedFrom: number | undefined;
  /** Hides one in this number of events from the listing of this run. */
  hides: number | undefined;
  /** Leaves one in this number of events off all pages of this run, though the total counts it. */
  omits: number | undefined;
  death: { call: number; moment: 'before' | 'committed' | 'replied'; kind: 'crash' | 'fault' } | undefined;
}

interface WorldPlan {
  events: WorldEvent[];
  forgeries: Forgery[];
  troubles: RunTrouble[];
  /** Number of calls after which each run of second passes is out of time. */
  secondCuts: (number | undefined)[];
  /** Hides one in this number of events, of those that were listed before, from the listing of each such run. */
  secondHides: (number | undefined)[];
  rounding: Rounding;
  pageSize: number;
  parallel: number;
  seed: number;
  /** True if Mailgun returns the total of a range, as its Logs API does. */
  hasTotals: boolean;
  /** True if the queue loses the first events permanently, so that they are never stored. */
  isFirstNeverStored: boolean;
}

const edges = [0, 1, 450_000_000, 899_999_400, 899_999_600, 900_000_000, 900_000_400, 1_800_000_000];
const event: fc.Arbitrary<WorldEvent> = fc.record({
  atUs: fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 5_399_999_999 })),
  kind: fc.integer({ min: 0, max: 6 }),
  isDropped: fc.boolean(),
  listedLate: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    fc.integer({ min: 1, max: 12 }),
    fc.constant<'passes'>('passes'),
  ),
  domain: fc.constantFrom('first', 'first', 'first', 'second', 'unknown'),
  masks: fc.oneof(
    fc.constant<Mask[]>(['named']),
    fc.array(fc.constantFrom<Mask>('named', 'absent', 'asterisks', 'address', 'word'), { minLength: 1, maxLength: 3 }),
  ),
  repeatedLate: fc.integer({ min: 0, max: 14 }),
});
const trouble: fc.Arbitrary<RunTrouble> = fc.record({
  budgetCalls: fc.option(fc.integer({ min: 5, max: 60 }), { nil: undefined }),
  rateLimitedFrom: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined, freq: 4 }),
  hides: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 4 }),
  omits: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 4 }),
  death: fc.option(
    fc.record({
      call: fc.integer({ min: 0, max: 40 }),
      moment: fc.constantFrom('before', 'committed', 'replied'),
      kind: fc.constantFrom('crash', 'fault'),
    }),
    { nil: undefined, freq: 3 },
  ),
});
export const worldPlan: fc.Arbitrary<WorldPlan> = fc.record({
  events: fc.array(event, { minLength: 1, maxLength: 40 }),
  forgeries: fc.array(
    fc.record({
      mode: fc.constantFrom('plain', 'future', 'past', 'inside', 'altered', 'masked'),
      quarter: fc.integer({ min: 0, max: 34 }),
      domain: fc.constantFrom('first', 'first', 'unknown'),
    }),
    { maxLength: 3 },
  ),
  secondCuts: fc.array(fc.option(fc.integer({ min: 5, max: 60 }), { nil: undefined }), { maxLength: SECOND_QUARTERS }),
  secondHides: fc.array(fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }), { maxLength: SECOND_QUARTERS }),
  troubles: fc.array(trouble, { minLength: TROUBLED_QUARTERS, maxLength: TROUBLED_QUARTERS }),
  rounding: fc.constantFrom('none', 'second', 'millisecond', 'microsecond'),
  pageSize: fc.integer({ min: 1, max: 30 }),
  parallel: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(),
  hasTotals: fc.boolean(),
  isFirstNeverStored: fc.boolean(),
});

/** A finished world, with its oracle. */
interface LivedWorld {
  world: ReconcileWorld;
  listed: JsonObject[];
  neverStored: Set<string>;
  forged: Set<string>;
  /** Events that Mailgun lists after both passes of their slices. */
  unlisted: Set<string>;
  /** Those of them that no webhook brought. */
  unbrought: Set<string>;
}

const RETENTION_SECONDS = 8 * 3600;

/** Runs a plan: first with its faults, then until everything that can settle has settled. */
export async function live(plan: WorldPlan): Promise<LivedWorld> {
  const world = new ReconcileWorld();
  world.times = { ...world.times, retentionSeconds: RETENTION_SECONDS };
  world.fromEpochSeconds = START;
  world.nowMs = START * 1000;
  world.parallel = plan.parallel;
  world.backlogMessages = 1000;
  world.domains = [
    { name: DOMAIN, region: 'us' },
    { name: SECOND_DOMAIN, region: 'us' },
  ];
  world.mailgun.pageSize = plan.pageSize;
  world.mailgun.rounding = plan.rounding;
  world.mailgun.hasTotals = plan.hasTotals;
  // The pages of one listing agree; the next run sees another order.
  let run = 0;
  world.mailgun.arrange = (events, { begin, end }) => {
    const random = randomFrom(plan.seed + begin * 7 + end * 13 + run * 101);
    const { omits } = plan.troubles[run] ?? {};
    const shown = events.filter(({ id }) => omits === undefined || hash(String(id)) % omits !== 0);
    return repeated(outOfOrder(shown, random), random, run < TROUBLED_QUARTERS);
  };

  const made = plan.events.map((each, n) => make(each, n));
  const neverStored = new Set<string>(plan.isFirstNeverStored ? [String(made[0]?.data.id)] : []);
  const forged = new Set<string>();
  const altered = plan.forgeries.some(({ mode }) => mode === 'altered') ? alteredOne(made)?.data : undefined;
  // Without the listing, neither a forged body nor a masked recipient is found out.
  const isWhole = ({ data, masks }: Made) => data !== altered && masks.every((mask) => mask === 'named');
  const unlisted = new Set(
    made
      .filter((each) => each.isUnlisted && isWhole(each) && isListedOnce(each.data))
      .map(({ data }) => String(data.id)),
  );
  // Accepting a slice lists it again.
  if (plan.isFirstNeverStored) unlisted.clear();
  const unbrought = new Set(
    made.filter(({ data, isDropped }) => isDropped && unlisted.has(String(data.id))).map(({ data }) => String(data.id)),
  );
  const listedFrom = new Map<unknown, number>(made.map(({ data, listedAtMs }) => [data.id, listedAtMs]));
  for (const id of unlisted) listedFrom.set(id, (START + LISTED_AT_LAST_QUARTER * 900) * 1000);
  const listable = made.filter(({ data }) => !unlisted.has(String(data.id)));
  let isHidden: (id: string) => boolean = () => false;
  world.mailgun.isListed = ({ id }) => (listedFrom.get(id) ?? 0) <= world.nowMs && !isHidden(String(id));

  for (let quarter = 0; quarter < QUARTERS; quarter += 1) {
    world.nowMs = Math.max(world.nowMs, (START + (quarter + 1) * 900) * 1000);
    for (const { data, isDropped, stored, masks, repeatedLate } of made) {
      const happened = Math.floor((Number(data.timestamp) - START) / 900);
      if (happened === quarter) world.mailgun.add(data);
      if (isDropped || data === altered || neverStored.has(String(data.id))) continue;
      for (const [n, mask] of masks.entries()) {
        if (happened + n * repeatedLate === quarter) world.webhook(masked(data, mask), stored);
      }
    }
    for (const [n, forgery] of plan.forgeries.entries()) {
      if (forgery.quarter === quarter) forge(world, forgery, n, made, neverStored, forged);
    }
    run = quarter;
    const now = quarter < TROUBLED_QUARTERS ? plan.troubles[quarter] : undefined;
    const hides = now?.hides ?? plan.secondHides[quarter - FIRST_SECOND_QUARTER];
    if (hides === undefined) isHidden = () => false;
    else {
      const hideable = new Set(quarter < TROUBLED_QUARTERS ? listedFrom.keys() : listedBefore(listable, world));
      isHidden = (id) => hash(id) % hides === 0 && hideable.has(id);
    }
    const budgetCalls = now?.budgetCalls ?? plan.secondCuts[quarter - FIRST_SECOND_QUARTER];
    world.budgetMs = budgetCalls === undefined ? 600_000 : budgetCalls * 100;
    world.msPerCall = budgetCalls === undefined ? 0 : 100;
    let calls = 0;
    world.mailgun.onPage = () => {
      calls += 1;
      if (now?.rateLimitedFrom !== undefined && calls > now.rateLimitedFrom) throw new ListingError('rate-limited');
    };
    await world.run({ trouble: now?.death });
    world.ledger.queue = world.ledger.queue.filter((body) => ![...neverStored].some((id) => body.includes(`"${id}"`)));
    world.msPerCall = 0;
    await world.process();
  }
  return { world, listed: made.map(({ data }) => data), neverStored, forged, unlisted, unbrought };
}

interface Made extends Pick<WorldEvent, 'masks' | 'repeatedLate'> {
  data: JsonObject;
  isDropped: boolean;
  /** The domain under which its webhook is stored. */
  stored: string;
  listedAtMs: number;
  isUnlisted: boolean;
}

function make({ atUs, kind, isDropped, listedLate, domain, masks, repeatedLate }: WorldEvent, n: number): Made {
  const name = domain === 'second' ? SECOND_DOMAIN : DOMAIN;
  const at = START + atUs / 1e6;
  // Keeps the type: numbers modulo seven determine it.
  const data = numbered(n * 7 + kind, at, {
    id: `event-${n}-`,
    domain: { name },
    'recipient-provider': PROVIDERS[n % PROVIDERS.length] ?? '',
    'delivery-status': { code: 550, 'enhanced-code': n % 3 === 0 ? '5.7.26' : '5.1.1' },
  });
  const isUnlisted = listedLate === 'passes';
  const listedAtMs = (at + (isUnlisted ? 0 : listedLate) * 900) * 1000;
  return { data, isDropped, stored: domain === 'unknown' ? '-' : name, listedAtMs, isUnlisted, masks, repeatedLate };
}

/** Returns true if an event is listed with no other slice: a listing holds a second more on either side, and rounds. */
function isListedOnce({ timestamp }: JsonObject): boolean {
  const second = (Number(timestamp) - START) % 900;
  return second >= 2 && second < 898;
}

/**
 * Returns the events of slices that have listed all of theirs. Where some are not listed yet, one that appears while
 * another disappears leaves the total as it was, and the slice is not listed again. An event of an unknown domain is in
 * no index of the domain that lists it, which forgets it once it is hidden.
 */
function listedBefore(made: readonly Made[], world: ReconcileWorld): Set<unknown> {
  const whole = [...world.book.slices.values()].flatMap((slice) => {
    const inside = made.filter(
      ({ data }) => (data.domain as { name: string }).name === slice.domain && isIn(slice, data, world),
    );
    return total(slice.listed) === inside.length ? inside : [];
  });
  return new Set(whole.filter(({ data, stored }) => stored !== '-' && isListedOnce(data)).map(({ data }) => data.id));
}

const PROVIDERS = ['Gmail', 'Outlook', 'Yahoo', ''];

function masked({ recipient, ...data }: JsonObject, mask: Mask): JsonObject {
  const masks = {
    named: recipient,
    absent: undefined,
    asterisks: '***',
    address: 'p***@example.org',
    word: '[redacted]',
  };
  const said = masks[mask];
  return said === undefined ? data : { ...data, recipient: said };
}

/** Makes a failure whose webhook is lost, so that its identity can be forged. */
const alteredOne = (made: readonly Made[]) =>
  made.find(({ data, stored }) => data.event === 'failed' && stored === DOMAIN);

function forge(
  world: ReconcileWorld,
  { mode, domain }: Forgery,
  n: number,
  made: readonly Made[],
  neverStored: ReadonlySet<string>,
  forged: Set<string>,
): void {
  const stored = domain === 'unknown' ? '-' : DOMAIN;
  const nowSeconds = world.nowMs / 1000;
  if (mode === 'altered') {
    const victim = alteredOne(made)?.data;
    if (victim === undefined || neverStored.has(String(victim.id)) || Number(victim.timestamp) > nowSeconds) return;
    world.webhook({ ...victim, severity: 'temporary', reason: 'generic' }, DOMAIN, world.nowMs);
    return;
  }
  const at = {
    plain: nowSeconds - 5,
    masked: nowSeconds - 5,
    future: nowSeconds + 365 * 86_400,
    past: START - 5000,
    inside: START + 10 + n * 700,
  }[mode];
  // What is stored shortly before retention ends may be passed only afterwards, and is unknown then.
  const ageSeconds = nowSeconds - at;
  if (ageSeconds > RETENTION_SECONDS - 3 * 3600 && ageSeconds < RETENTION_SECONDS) return;
  const id = `forged-${n}-`;
  forged.add(id);
  const data = numbered(9000 + n, at, { id, event: 'complained', domain: { name: DOMAIN } });
  world.webhook(mode === 'masked' ? masked(data, 'asterisks') : data, stored, world.nowMs);
}

/** Returns the differences from a plain comparison of listed and stored events; empty if there are none. */
export async function disagreements({
  world,
  listed,
  neverStored,
  forged,
  unlisted,
  unbrought,
}: LivedWorld): Promise<string[]> {
  const found: string[] = [];
  const check = (what: string, is: unknown, should: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(should)) {
      found.push(`${what} is ${JSON.stringify(is)}, should be ${JSON.stringify(should)}`);
    }
  };
  // Accepting a slice includes its unconfirmed events.
  const unconfirmed = (domain: string) =>
    [...world.book.slices.values()]
      .filter((each) => each.domain === domain)
      .reduce((all, each) => all + total(each.unconfirmed), 0);
  const before = new Map([DOMAIN, SECOND_DOMAIN, '-'].map((domain) => [domain, unconfirmed(domain)]));
  for (const slice of [...world.book.slices.values()].filter(isUnsettled)) {
    const holds = listed.some((each) => neverStored.has(String(each.id)) && isIn(slice, each, world));
    if (!holds) found.push(`slice ${slice.domain} ${slice.start - START} is ${stateOf(slice)}`);
    const { state } = await world.accept({ domain: slice.domain, atEpochSeconds: slice.start });
    check('the acceptance', state, 'accepted');
  }
  const slices = [...world.book.slices.values()];
  for (const slice of slices) {
    const { domain, start } = slice;
    const state = stateOf(slice);
    // Of a time before the ledger nothing is listed, which proves nothing beyond retention.
    const isBlank = state === 'unlisted' && !listed.some((each) => isIn(slice, each, world));
    if (state !== 'settled' && !isBlank) found.push(`slice ${domain} ${start - START} ends ${state}`);
  }
  /** Returns true if a pass of this ledger saw the event listed. */
  const isSeen = (domain: string, data: JsonObject) =>
    !unlisted.has(String(data.id)) ||
    slices.some(
      (each) =>
        each.domain === domain &&
        isIn(each, data, world) &&
        (each.startedAt ?? 0) >= (START + LISTED_AT_LAST_QUARTER * 900) * 1000,
    );
  // Known to nobody: no webhook brought it, and no pass saw it listed.
  const isUnknown = (each: JsonObject) =>
    unbrought.has(String(each.id)) && !isSeen((each.domain as { name: string }).name, each);
  const storable = listed.filter((each) => !neverStored.has(String(each.id)) && !isUnknown(each));
  const doubtfulIn = (domain: string) =>
    [...world.ledger.events.values()].filter(
      ({ domain: stored, event }) => stored === domain && (forged.has(String(event.id)) || !isSeen(domain, event)),
    );
  const sum = (domain: string, name: 'listed' | 'missing' | 'altered') =>
    slices.filter((each) => each.domain === domain).reduce((all, each) => all + total(each[name]), 0);
  for (const domain of [DOMAIN, SECOND_DOMAIN]) {
    const own = listed.filter((each) => (each.domain as { name: string }).name === domain && isSeen(domain, each));
    check(`listed of ${domain}`, sum(domain, 'listed'), own.length);
    check(`unconfirmed of ${domain}`, before.get(domain), doubtfulIn(domain).length);
    check(`missing of ${domain}`, [sum(domain, 'missing'), sum(domain, 'altered')], [0, 0]);
    for (const slice of slices.filter((each) => each.domain === domain)) {
      const inside = own.filter((each) => isIn(slice, each, world));
      check(`listed at ${slice.start - START}`, total(slice.listed), inside.length);
      check(
        `tags at ${slice.start - START}`,
        sorted(slice.tags),
        countedBy(inside, tagNames, ({ event }) => [event]),
      );
      const { provider, policy } = slice.dimensions;
      check(`providers at ${slice.start - START}`, sorted(provider), countedBy(inside, providerNames, outcomeOf));
      check(`policy at ${slice.start - START}`, sorted(policy), countedBy(inside, providerNames, policyCodes));
    }
  }
  check('unconfirmed of -', before.get('-'), doubtfulIn('-').length);
  const ids = [...world.ledger.events.values()].map(({ event: { id } }) => String(id)).sort();
  const should = [...storable.map(({ id }) => String(id)), ...forged].sort();
  check('stored', ids, should);
  for (const [id, times] of world.sends) if (times > 5) found.push(`${id} was sent ${times} times`);
  const recipients = new Map(listed.map(({ id, recipient }) => [String(id), recipient]));
  for (const { event } of world.ledger.events.values()) {
    const id = String(event.id);
    if (recipients.has(id)) check(`the recipient of ${id}`, event.recipient, recipients.get(id));
  }
  const named = [...world.ledger.statuses.entries()].filter(([, { decidedBy }]) => !decidedBy.includes('forged'));
  for (const [key, { recipient }] of named) {
    if (!/^person\d@example\.org$/.test(recipient))
      found.push(`a status of ${recipient || 'no recipient'} is left: ${key}`);
  }
  const failed = storable.filter(({ event: name }) => name === 'failed');
  const suppressed = [...world.ledger.suppressions.keys()].filter((key) => key.includes('bounce'));
  const addresses = new Set(suppressed.map((key) => key.split(' ')[0]));
  check('suppressed', [...addresses].sort(), [...new Set(failed.map(({ recipient }) => recipient))].sort());
  // The mark is part of the item, which a merge replaces.
  const marked = [...world.stored.unconfirmed.keys()].filter((key) => world.ledger.events.has(key)).length;
  check('marked as unconfirmed', marked, [DOMAIN, SECOND_DOMAIN, '-'].flatMap(doubtfulIn).length);
  const decided = [...world.ledger.statuses.values()].filter(({ decidedBy }) => decidedBy.startsWith('failed#event'));
  check(
    'statuses of failures',
    decided.map(({ status }) => status).sort(),
    failed.map(() => 'FAILED'),
  );
  return found;
}

type Names = (event: JsonObject) => unknown[];

/** Counts a list by name and event type. */
function countedBy(events: readonly JsonObject[], namesOf: Names, typesOf: Names) {
  const rows = new Map<string, Map<string, number>>();
  for (const event of events) {
    for (const type of typesOf(event).map(String)) {
      for (const name of new Set(namesOf(event).map(String))) {
        const row = rows.get(name) ?? new Map<string, number>();
        rows.set(name, row.set(type, (row.get(type) ?? 0) + 1));
      }
    }
  }
  return sorted(Object.fromEntries([...rows].map(([name, row]) => [name, Object.fromEntries(row)])));
}

const sorted = (rows: Readonly<Record<string, Readonly<Record<string, number>>>>) =>
  Object.entries(rows)
    .map(([name, row]) => [name, Object.entries(row).sort()] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));

const tagNames: Names = ({ tags }) => ['*', ...((tags as string[]).length === 0 ? [''] : (tags as string[]))];
const providerNames: Names = (event) => [String(event['recipient-provider']).toLowerCase() || 'other'];
const outcomeOf: Names = ({ event, severity }) => [event === 'failed' ? `${severity}_fail` : event];
const policyCodes: Names = ({ event, severity, 'delivery-status': status }) => {
  const code = String((status as JsonObject)['enhanced-code']);
  return event === 'failed' && severity === 'permanent' && code.startsWith('5.7.') ? [code] : [];
};

function isIn({ start, end }: Slice, data: JsonObject, world: ReconcileWorld): boolean {
  const atMs = eventTimeMs(world.mailgun.shown(data)) ?? 0;
  return atMs >= start * 1000 && atMs < end * 1000;
}

/** Swaps neighbours less than two seconds apart. */
function outOfOrder(events: readonly JsonObject[], random: () => number): JsonObject[] {
  const list = [...events];
  for (let n = 1; n < list.length; n += 1) {
    const [a, b] = [list[n - 1] as JsonObject, list[n] as JsonObject];
    if (Number(b.timestamp) - Number(a.timestamp) < 2 && random() < 0.3) [list[n - 1], list[n]] = [b, a];
  }
  return list;
}

/**
 * Repeats some events at any distance. A page of nothing but early copies is taken for the end of what is before them
 * where time runs out, which only a later pass finds out: there are none in the second ones.
 */
function repeated(events: readonly JsonObject[], random: () => number, mayPrecede: boolean): JsonObject[] {
  const list = [...events];
  for (const event of events) {
    if (random() >= 0.1) continue;
    const from = mayPrecede ? 0 : list.indexOf(event) + 1;
    list.splice(from + Math.floor(random() * (list.length + 1 - from)), 0, event);
  }
  return list;
}

function hash(text: string): number {
  let sum = 7;
  for (const unit of text) sum = (sum * 31 + unit.charCodeAt(0)) % 1_000_003;
  return sum;
}

/** Returns the same sequence for the same position in a listing, so that its pages agree. */
function randomFrom(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
