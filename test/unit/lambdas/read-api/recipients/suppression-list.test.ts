import type { SuppressionKind } from '../../../../../lambdas/domain/event-types.ts';
import type { ListedSuppression, SuppressionList } from '../../../../../lambdas/read-api/ports.ts';
import { createSuppressionCheck } from '../../../../../lambdas/read-api/recipients/suppression-check.ts';
import {
  createSuppressionPages,
  isSuppressionListPosition,
  type SuppressionListPosition,
} from '../../../../../lambdas/read-api/recipients/suppression-list.ts';
import { DOMAIN } from '../../../../support/fixtures/webhooks.ts';
import fc from '../../../../support/property.ts';

interface Held extends ListedSuppression {
  /** When the copy that was stored first says it began: the place in the index. */
  firstMs: number;
}

/** The index in memory: by domain and kind, the greatest place first. */
const listOf = (held: readonly Held[]): SuppressionList => ({
  async newest(domain, kind, sinceMs, limit, after) {
    const places = held
      .filter((each) => each.domain === domain && each.kind === kind && each.firstMs >= sinceMs)
      .map((suppression) => ({
        place: { partition: `SUP#${suppression.recipient}`, sort: `${domain}#${kind}#*`, atMs: suppression.firstMs },
        suppression,
      }))
      .toSorted((a, b) => b.place.atMs - a.place.atMs || (a.place.partition < b.place.partition ? 1 : -1));
    const isBehind = ({ place }: (typeof places)[number]) =>
      after === undefined ||
      place.atMs < after.atMs ||
      (place.atMs === after.atMs && place.partition < after.partition);
    const rest = places.filter(isBehind);
    return { found: rest.slice(0, limit), hasMore: rest.length > limit };
  },
});

const anySuppression = fc
  .record({
    domain: fc.constantFrom(DOMAIN, '-', 'other.example.com'),
    kind: fc.constantFrom<SuppressionKind>('bounce', 'complaint', 'unsubscribe'),
    sinceMs: fc.nat(20),
    later: fc.nat(5),
    liftedAtMs: fc.option(fc.nat(30)),
  })
  .map(({ sinceMs, later, ...rest }, index = 0) => ({
    scope: '*',
    reason: null,
    source: 'event' as const,
    eventKey: 'failed#1',
    recipient: '',
    index,
    sinceMs,
    firstMs: sinceMs + later,
    lastAtMs: sinceMs + later,
    ...rest,
  }));

describe('a walk over the pages of the list', () => {
  test('finds every suppression in force once, with and without a domain, despite lifts and late arrivals', async () => {
    const held = fc.array(anySuppression, { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(held, fc.integer({ min: 1, max: 7 }), fc.nat(20), async (all, limit, sinceMs) => {
        const stored = all.map((each, index) => ({ ...each, recipient: `r${index}@north.example` }));
        const page = createSuppressionPages(listOf(stored));
        const found: string[] = [];
        let position: SuppressionListPosition | undefined;
        do {
          const { body, next } = await page({ domain: DOMAIN, sinceMs, limit, position });
          expect(body.suppressions.length).toBeLessThanOrEqual(limit);
          found.push(...body.suppressions.map(({ recipient }) => recipient));
          expect(next === undefined || isSuppressionListPosition(next, { domain: DOMAIN, sinceMs })).toBe(true);
          position = next;
        } while (position !== undefined);

        const wanted = stored.filter(
          ({ domain, liftedAtMs, lastAtMs, sinceMs: since }) =>
            domain !== 'other.example.com' && (liftedAtMs === null || lastAtMs > liftedAtMs) && since >= sinceMs,
        );
        expect(found.toSorted()).toEqual(wanted.map(({ recipient }) => recipient).toSorted());
      }),
    );
  });

  test('reads a bounded number for a page if nearly all were lifted', async () => {
    const lifted = Array.from({ length: 5000 }, (_, index) => ({
      domain: DOMAIN,
      kind: 'bounce' as const,
      scope: '*',
      reason: null,
      source: 'event' as const,
      eventKey: 'failed#1',
      recipient: `r${index}@north.example`,
      firstMs: index,
      sinceMs: index,
      lastAtMs: index,
      liftedAtMs: 9999,
    }));
    const { body, next } = await createSuppressionPages(listOf(lifted))({ domain: DOMAIN, sinceMs: 0, limit: 100 });

    expect(body.suppressions).toEqual([]);
    expect(next).toMatchObject({ list: 0, after: { atMs: 3000 } });
  });
});

test.each<[string, unknown]>([
  ['no object', null],
  ['a list the query does not have', { list: 6 }],
  ['no list', { list: -1 }],
  ['a place outside of the suppressions', { list: 0, after: { partition: 'MSG#x', sort: 'R#a#STATUS', atMs: 1 } }],
  ['a place before the time of the query', { list: 0, after: { partition: 'SUP#a@b', sort: 'd#bounce#*', atMs: 0 } }],
  ['a place without a time', { list: 0, after: { partition: 'SUP#a@b', sort: 'd#bounce#*' } }],
])('a suppression list cursor with %s is refused', (_name, value) => {
  expect(isSuppressionListPosition(value, { domain: DOMAIN, sinceMs: 1 })).toBe(false);
});

describe('a check of many addresses', () => {
  const resultOf = (recipient: string) => ({ recipient, suppressed: recipient.startsWith('bad'), suppressions: [] });

  test('responds in the order of the request, and reads a repeated address once', async () => {
    const read: string[] = [];
    const check = createSuppressionCheck(async ({ recipient }) => {
      read.push(recipient);
      return resultOf(recipient);
    });
    const addresses = ['bad1@a.example', 'ok@a.example', 'bad1@a.example'];

    expect(await check({ addresses })).toEqual({ recipients: addresses.map(resultOf), suppressed: 2 });
    expect(read).toHaveLength(2);
  });

  test('fails as a whole if one read fails, after all other reads have ended', async () => {
    let ended = 0;
    const check = createSuppressionCheck(async ({ recipient }) => {
      if (recipient === 'broken@a.example') throw new Error('the table does not respond');
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended += 1;
      return resultOf(recipient);
    });
    const addresses = ['broken@a.example', ...Array.from({ length: 49 }, (_, index) => `r${index}@a.example`)];

    await expect(check({ addresses })).rejects.toThrow('the table does not respond');
    expect(ended).toBe(49);
  });
});
