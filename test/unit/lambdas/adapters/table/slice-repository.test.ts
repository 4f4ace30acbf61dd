import { createPartRepository } from '../../../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createSliceRepository } from '../../../../../lambdas/adapters/table/slice-repository.ts';
import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import { countDimensions } from '../../../../../lambdas/domain/ledger/dimensions.ts';
import { addName, countTags, emptyTally, slicePassed } from '../../../../../lambdas/domain/ledger/tally.ts';

/** DynamoDB takes no larger item. */
const MAX_ITEM_BYTES = 400 * 1024;
const TYPES = ['accepted', 'delivered', 'opened', 'clicked', 'unsubscribed', 'complained', 'failed'];
const SEVERITIES = [{ severity: 'permanent' }, { severity: 'temporary', reason: 'generic' }];

const long = (kind: string, nth: number, length: number) => `${kind}-${nth}-`.padEnd(length, 'x');

/** A tally in which every list and every dimension is full, with the longest names. */
function fullTally() {
  const tally = emptyTally();
  for (let nth = 0; nth < 1100; nth += 1) {
    for (const event of TYPES) {
      const tags = [long('tag', nth, 128)];
      for (const more of event === 'failed' ? SEVERITIES : [{}]) {
        const raw = {
          event,
          tags,
          ...more,
          'recipient-provider': long('provider', nth % 60, 64),
          envelope: { 'sending-ip': long('ip', nth, 64) },
          'delivery-status': { 'enhanced-code': `5.7.${nth % 1000}` },
        };
        countTags(tally.tags, parseEvent(raw));
        countDimensions(tally.dimensions, parseEvent(raw));
      }
    }
    addName(tally.unconfirmedNames, long('', nth, 22));
    addName(tally.acceptedNames, long('', nth, 22));
  }
  for (const row of [...Object.values(tally.tags), ...Object.values(tally.dimensions).flatMap(Object.values)]) {
    for (const type of Object.keys(row)) row[type] += 100_000;
  }
  return tally;
}

/** Returns what DynamoDB counts at most: names and values in UTF-8, and what lists and maps take besides. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return Buffer.byteLength(String(value));
  return Object.entries(value).reduce(
    (sum, [name, held]) => sum + 1 + (Array.isArray(value) ? 0 : Buffer.byteLength(name)) + sizeOf(held),
    3,
  );
}

/** Returns a table that keeps nothing, and the sizes of what was put into it. */
function table() {
  const sizes: number[] = [];
  const send = async ({ input }: { input: { Item: Record<string, unknown> } }) => {
    sizes.push(sizeOf(input.Item));
  };
  return { sizes, table: { client: { send }, name: 'table' } as never };
}

const BOUNDS = { domain: 'mg.example.com', start: 1_795_319_000, end: 1_795_322_600 };

test('the largest slice fits into one item', async () => {
  const { sizes, table: ledger } = table();
  const windows = Array.from({ length: 180 }, (_, nth) => ({
    from: BOUNDS.start + nth * 20,
    to: BOUNDS.start + nth * 20 + 20,
    total: 123_456,
    indexed: 'x'.repeat(22),
  }));
  const pass = { startedAtMs: 1_795_322_700_123, nowMs: 1_795_322_800_123, unlisted: false, isOld: true, windows };
  const slice = slicePassed(BOUNDS, undefined, fullTally(), { ...pass, acceptReason: 'x'.repeat(500) });
  expect(Object.keys(slice.tags)).toHaveLength(1000);
  expect(slice.dimensions.failure['*']).toBeDefined();
  await createSliceRepository(ledger).write(slice, undefined);
  expect(sizes).toHaveLength(1);
  expect(sizes[0]).toBeLessThan(MAX_ITEM_BYTES);
});

test('the largest part of a slice fits into one item', async () => {
  const { sizes, table: ledger } = table();
  const part = { from: BOUNDS.start, to: BOUNDS.end, startedAtMs: 1_795_322_700_123 };
  await createPartRepository(ledger, () => 0).put(BOUNDS, 1, { ...part, tally: fullTally() });
  expect(sizes).toHaveLength(1);
  expect(sizes[0]).toBeLessThan(MAX_ITEM_BYTES);
});
