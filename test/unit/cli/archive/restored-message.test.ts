import { expect, test } from '@jest/globals';
import { restoredMessages } from '../../../../cli/archive/restored-message.ts';
import { type ArchiveRow, erasedRow, rowOf } from '../../../../lambdas/domain/archive/row.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { createLedgerNaming } from '../../../../lambdas/domain/ledger/ledger-name.ts';
import { ERASURE_KEY } from '../../../support/erasures.ts';
import { DOMAIN, deliveredEvent } from '../../../support/webhooks.ts';

const AT = 1_770_000_000;

function rowFor(nth: number, erasureKey = ERASURE_KEY): ArchiveRow {
  const event = deliveredEvent({ id: `id-${nth}`, timestamp: AT, recipient: `r${nth}@example.org` });
  const place = identify(event, DOMAIN);
  const facts = { receivedAtMs: AT * 1000, byWebhook: true, source: 'webhook' as const, atMs: AT * 1000 };
  return rowOf({ ...facts, name: createLedgerNaming(erasureKey)(place), key: place.eventKey }, event, '00'.repeat(16));
}

const restore = (rows: readonly ArchiveRow[]) =>
  restoredMessages(rows, { domain: DOMAIN, nameOf: createLedgerNaming(ERASURE_KEY), unconfirmed: new Map() });

test('one row of another erasure key among others is refused, with its time', () => {
  expect(() => restore([rowFor(0), rowFor(1, 'another key'), rowFor(2)])).toThrow(/another erasure key .*02T02:40:00Z/);
});

test('erased rows that do not say where their event was stored are left out', () => {
  const emptied = { ...rowFor(1), event: null, salt: null };
  const messages = restore([rowFor(0), emptied, erasedRow(rowFor(2), DOMAIN, ERASURE_KEY)]);

  expect(messages.map(({ restored }) => restored?.erasedAs)).toEqual([undefined, expect.stringMatching(/^erased:/)]);
});
