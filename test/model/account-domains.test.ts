import { eventHash } from '../../lambdas/domain/canonical-json.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import {
  domainNews,
  type LedgerDomains,
  listedNames,
  NO_DOMAINS,
  storedNames,
  type UndiscoveredDomain,
} from '../../lambdas/domain/ledger/ledger-domains.ts';
import { createIngest } from '../../lambdas/ingest/ingest.ts';
import { type AccountDomains, type DomainRepository, ListingError } from '../../lambdas/reconcile/ports.ts';
import { accountDomains, createDiscoverDomains } from '../../lambdas/reconcile/webhooks/discover-domains.ts';
import { CrashableInvocation, type InjectedFailure } from '../support/doubles/crashable-invocation.ts';
import { InMemoryKeyRing } from '../support/doubles/in-memory-ledger.ts';
import { KEY, signed } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

// Domains of an account appear and vanish, while their listing fails, is truncated, empty or reordered, runs are killed
// at any point, and captured signatures carry invented events. Every acknowledged event must be stored once, and be in
// its domain's ledger from the first event on; an event in no ledger must be reported.

const NAMES = ['a.example.com', 'b.example.com', 'c.example.com', 'd.example.com'];
const INVENTED = 'invented.example.net';
const TROUBLED_QUARTERS = 24;
/** Longer than until every second pass. */
const CALM_QUARTERS = 112;
const QUARTER_SECONDS = 900;

type ListingMode = 'whole' | 'reordered' | 'fails' | 'short' | 'empty' | 'hides';

interface Plan {
  /**
   * Quarters from which Mailgun has each domain, and from which it no longer has it; the first exists from the start.
   */
  domains: { from: number; until: number | undefined }[];
  events: { quarter: number; domain: number; isDropped: boolean; isNameless: boolean }[];
  forged: { quarter: number; domain: string }[];
  listings: ListingMode[];
  troubles: (InjectedFailure | undefined)[];
}

const quarter = fc.nat(TROUBLED_QUARTERS - 1);
const plans: fc.Arbitrary<Plan> = fc.record({
  domains: fc.array(
    fc.record({ from: quarter, until: fc.option(fc.integer({ min: 1, max: TROUBLED_QUARTERS }), { nil: undefined }) }),
    { minLength: NAMES.length, maxLength: NAMES.length },
  ),
  events: fc.array(
    fc.record({ quarter, domain: fc.nat(NAMES.length - 1), isDropped: fc.boolean(), isNameless: fc.boolean() }),
    { maxLength: 40 },
  ),
  forged: fc.array(fc.record({ quarter, domain: fc.constantFrom(INVENTED, NAMES[0] as string, 'no host name') }), {
    maxLength: 3,
  }),
  listings: fc.array(fc.constantFrom<ListingMode>('whole', 'whole', 'reordered', 'fails', 'short', 'empty', 'hides'), {
    minLength: TROUBLED_QUARTERS,
    maxLength: TROUBLED_QUARTERS,
  }),
  troubles: fc.array(
    fc.option(
      fc.record({
        call: fc.nat(30),
        moment: fc.constantFrom('before' as const, 'committed' as const, 'replied' as const),
        kind: fc.constantFrom('crash' as const, 'fault' as const),
      }),
      { nil: undefined, freq: 2 },
    ),
    { minLength: TROUBLED_QUARTERS, maxLength: TROUBLED_QUARTERS },
  ),
});

/** The item and the notes of the table, with the condition that it checks. */
class InMemoryDomains implements DomainRepository {
  item: LedgerDomains = NO_DOMAINS;
  readonly notes = new Map<string, UndiscoveredDomain>();

  async read() {
    return structuredClone(this.item);
  }

  async write(next: LedgerDomains, previous: LedgerDomains) {
    if (previous.version !== this.item.version) return undefined;
    this.item = structuredClone({ ...next, version: previous.version + 1 });
    return structuredClone(this.item);
  }

  async undiscovered() {
    return [...this.notes.values()];
  }

  async dropUndiscovered(domain: string) {
    this.notes.delete(domain);
  }
}

async function play(plan: Plan) {
  const world = new ReconcileWorld();
  world.fromEpochSeconds = undefined;
  world.hasFurtherDomains = true;
  const store = new InMemoryDomains();
  world.noteUndiscovered = async (name, nowMs) => {
    if (listedNames(store.item).has(name)) return;
    store.notes.set(name, { name, lastAt: Math.floor(nowMs / 1000) });
  };
  const startMs = world.nowMs;
  const startSeconds = startMs / 1000;
  const isThere = (nth: number) => {
    const { from, until } = plan.domains[nth]!;
    if (nth === 0) return true;
    const at = startSeconds + from * QUARTER_SECONDS;
    const end = until === undefined ? Number.POSITIVE_INFINITY : startSeconds + until * QUARTER_SECONDS;
    return world.nowMs / 1000 >= at && world.nowMs / 1000 < end;
  };
  const present = () => NAMES.filter((_, nth) => isThere(nth));
  world.mailgun.onPage = ({ domain }) => {
    if (!present().includes(domain.name)) throw new ListingError('domain-not-found');
  };
  let mode: ListingMode = 'whole';
  const account: AccountDomains = {
    placeOf: () => 'everywhere',
    async listed() {
      if (mode === 'fails') throw new ListingError('unavailable');
      if (mode === 'short') throw new ListingError('malformed');
      const names = mode === 'empty' ? [] : mode === 'hides' ? present().slice(1) : present();
      const listed = names.map((name) => ({ name, isOfSubaccount: false, isActive: true }));
      return mode === 'reordered' ? listed.reverse() : listed;
    },
    has: async ({ name }) => present().includes(name),
  };
  let tokens = 0;
  const ingest = createIngest({
    keys: new InMemoryKeyRing({ current: KEY }),
    claims: world.ledger,
    events: world.ledger,
    firstWebhook: world.ledger,
    queue: world.ledger,
    domains: [],
    knownDomains: async () => storedNames(store.item),
    hashEvent: eventHash,
    now: () => world.nowMs,
    newClaimId: () => `claim-${tokens}`,
  });
  const acknowledged: string[] = [];
  const post = async (event: JsonObject) => {
    tokens += 1;
    const signature = signed(KEY, { timestamp: String(Math.floor(world.nowMs / 1000)), token: `token-${tokens}` });
    const result = await ingest({
      bytes: new Uint8Array(),
      parse: () => ({ ok: true, webhook: { signature, event } }),
    });
    expect(result).toEqual({ ok: true });
    acknowledged.push(String(event.id));
  };

  const reported: string[] = [];
  const discover = async (trouble: InjectedFailure | undefined) => {
    const invocation = new CrashableInvocation(trouble);
    const discoverDomains = createDiscoverDomains({
      store: invocation.wrap('table', store),
      account: { ...invocation.wrap('mailgun', account), placeOf: account.placeOf },
      holderOf: () => undefined,
      isConfigured: async () => true,
      everySeconds: QUARTER_SECONDS,
      retentionSeconds: world.times.retentionSeconds,
      ledger: world.book,
      now: () => world.nowMs,
      onFailure: () => {},
    });
    const known = await invocation.run(() => discoverDomains({ ignoreWaits: false })).catch(() => undefined);
    if (known === undefined) return false;
    world.domains = [...accountDomains(known, world.times).compared];
    reported.push(domainNews(known, world.nowMs / 1000).text ?? '');
    return true;
  };

  const real: { id: string; name: string; at: number; isAcknowledged: boolean }[] = [];
  let number = 0;
  let held = new Set<string>();
  for (let nth = 0; nth < TROUBLED_QUARTERS + CALM_QUARTERS; nth += 1) {
    const isCalm = nth >= TROUBLED_QUARTERS;
    world.nowMs = startMs + nth * QUARTER_SECONDS * 1000;
    // The first listing finds the initial domains, before any mail is sent.
    mode = isCalm || nth === 0 ? 'whole' : plan.listings[nth]!;
    const trouble = isCalm || nth === 0 ? undefined : plan.troubles[nth];
    if (await discover(trouble)) await world.run({ trouble });
    await world.process();
    const names = new Set(store.item.domains.map(({ name }) => name));
    // A listing never removes a domain.
    expect([...held].filter((name) => !names.has(name))).toEqual([]);
    held = names;
    // A domain hidden from the key is not gone.
    const gone = store.item.domains.filter(({ goneAt }) => goneAt !== undefined);
    expect(gone.filter(({ name }) => present().includes(name))).toEqual([]);
    if (isCalm) continue;
    for (const { domain, isDropped, isNameless } of plan.events.filter((each) => each.quarter === nth)) {
      if (!isThere(domain)) continue;
      number += 1;
      const name = NAMES[domain]!;
      const at = Math.floor(world.nowMs / 1000) + 10 + number;
      const event: JsonObject = {
        ...numbered(number * 7 + 1, at),
        domain: { name },
        message: { headers: { 'message-id': `${number}@${name}` } },
      };
      world.mailgun.add(event);
      const { domain: _domain, ...nameless } = event;
      if (!isDropped) await post(isNameless ? nameless : event);
      real.push({ id: String(event.id), name, at, isAcknowledged: !isDropped });
    }
    for (const { domain } of plan.forged.filter((each) => each.quarter === nth)) {
      number += 1;
      const event = numbered(number * 7 + 1, Math.floor(world.nowMs / 1000) + number, {
        domain: { name: domain },
        message: { headers: { 'message-id': `forged-${number}@${domain}` } },
      });
      await post(event);
    }
    await world.process();
  }
  return { world, store, real, acknowledged, reported, present: present() };
}

test('every event of an account is in the ledger of its domain from the first event on, or is reported as in none', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const { world, store, real, acknowledged, reported, present } = await play(plan);
      const stored = [...world.ledger.events.values()].map(({ event }) => String(event.id));
      expect(stored.length).toBe(new Set(stored).size);
      expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);

      const slicesOf = (name: string) => [...world.book.slices.values()].filter(({ domain }) => domain === name);
      const sum = (name: string, what: 'expected' | 'stored' | 'missing' | 'unconfirmed') =>
        slicesOf(name).reduce((all, slice) => all + total(slice[what]), 0);
      for (const name of present) {
        const own = real.filter((each) => each.name === name);
        const forged = plan.forged.filter((each) => each.domain === name).length;
        expect([name, sum(name, 'expected'), sum(name, 'missing')]).toEqual([name, own.length + forged, 0]);
        expect([name, sum(name, 'unconfirmed')]).toEqual([name, forged]);
        expect(own.filter(({ id }) => !stored.includes(id))).toEqual([]);
        if (plan.domains[NAMES.indexOf(name)]!.from > 0 && name !== NAMES[0])
          expect(reported.some((text) => text.includes(`now in the ledger`) && text.includes(name))).toBe(true);
      }
      // A vanished domain stays, marked as gone; one that was never listed while it existed is reported.
      for (const name of NAMES.filter((each) => !present.includes(each))) {
        const known = store.item.domains.find((each) => each.name === name);
        const hasEvents = real.some((each) => each.name === name && each.isAcknowledged);
        if (known !== undefined) expect([name, known.goneAt !== undefined]).toEqual([name, true]);
        else if (hasEvents) {
          const isNamed = store.item.undiscovered.some((each) => each.name === name);
          const inUnknown = sum('-', 'unconfirmed') + sum('-', 'stored');
          expect([name, isNamed || inUnknown > 0]).toEqual([name, true]);
        }
      }
      const isInvented = plan.forged.some(({ domain }) => domain === INVENTED);
      expect(store.item.domains.map(({ name }) => name)).not.toContain(INVENTED);
      expect(slicesOf(INVENTED)).toEqual([]);
      expect(store.item.undiscovered.some(({ name }) => name === INVENTED)).toBe(isInvented);
      if (isInvented) expect(reported.at(-1)).toContain(INVENTED);
      const strange = plan.forged.filter(({ domain }) => domain === 'no host name').length;
      expect(sum('-', 'unconfirmed')).toBeGreaterThanOrEqual(strange);
    }),
    { numRuns: shareOf(25), endOnFailure: true },
  );
});
