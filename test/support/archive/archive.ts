import { type ArchiveRow, leafOf, rowOf } from '../../../lambdas/domain/archive/archive-row.ts';
import { type ChainLink, linkOf, type Manifest, type SliceFigures } from '../../../lambdas/domain/archive/manifest.ts';
import { createMerkleTree, sha256Hex } from '../../../lambdas/domain/archive/merkle.ts';
import { objectKey } from '../../../lambdas/domain/archive/object-keys.ts';
import { canonicalJson } from '../../../lambdas/domain/canonical-json.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { eventKeyOf } from '../../../lambdas/domain/keys.ts';
import { DOMAIN, deliveredEvent } from '../fixtures/webhooks.ts';

/** Start of a slice in the archive tests: 2026-02-02T02:30:00Z. */
export const SLICE_START = 1_769_999_400;
export const SLICE_SECONDS = 900;

/** Returns the nth row of a slice, one second after the previous. */
export function archiveRow(nth: number, over: Record<string, unknown> = {}, start = SLICE_START): ArchiveRow {
  const event: JsonObject = deliveredEvent({ id: `event-${nth}`, timestamp: start + nth, ...over });
  const facts = {
    name: `name-${String(nth).padStart(4, '0')}`,
    key: eventKeyOf('delivered', `event-${nth}`),
    atMs: (start + nth) * 1000,
    receivedAtMs: (start + nth) * 1000 + 1500,
    byWebhook: true,
    source: 'webhook' as const,
  };
  return rowOf(facts, event, String(nth).padStart(32, '0'));
}

function rootOf(rows: readonly ArchiveRow[], domain = DOMAIN): string {
  const tree = createMerkleTree();
  for (const row of rows) tree.add(leafOf(row, domain));
  return tree.root();
}

/** Returns the figures of a slice without missing events. */
export function figures(events: number, over: Partial<SliceFigures> = {}): SliceFigures {
  const counts = { expected: { delivered: events }, stored: { delivered: events } };
  const none = { missing: {}, recovered: {}, polled: {}, late: {}, lost: {}, unconfirmed: {}, altered: {} };
  return {
    state: 'settled',
    passes: 2,
    ...counts,
    ...none,
    short: 0,
    stuck: 0,
    accepted: 0,
    acceptReason: null,
    ...over,
  };
}

/** Returns a chain of slices, one for each list of rows, without objects. */
export function chainOf(slices: readonly (readonly ArchiveRow[])[], over: Partial<Manifest> = {}): ChainLink[] {
  const links: ChainLink[] = [];
  slices.forEach((rows, nth) => {
    const start = SLICE_START + nth * SLICE_SECONDS;
    const body = canonicalJson(rows);
    links.push(
      linkOf({
        v: 1,
        kind: 'slice',
        domain: DOMAIN,
        sequence: nth + 1,
        previous: links.at(-1)?.hash ?? null,
        start,
        end: start + SLICE_SECONDS,
        number: 0,
        object: { key: objectKey(DOMAIN, start, 0), sha256: sha256Hex(body), bytes: body.length, rows: rows.length },
        root: rootOf(rows),
        slice: figures(rows.length),
        sealedAt: '2026-02-03T03:00:00.000Z',
        ...over,
      }),
    );
  });
  return links;
}
