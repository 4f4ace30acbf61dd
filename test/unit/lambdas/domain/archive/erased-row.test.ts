import { leafOf } from '../../../../../lambdas/domain/archive/archive-row.ts';
import {
  erasedAs,
  erasedRow,
  rowErasure,
  rowOfTombstone,
  rowWithoutAddress,
} from '../../../../../lambdas/domain/archive/erased-row.ts';
import { identify } from '../../../../../lambdas/domain/events/identity.ts';
import { messagePartition, parseMessageSort } from '../../../../../lambdas/domain/keys.ts';
import { tombstoneIdentity } from '../../../../../lambdas/domain/recipients/erasure.ts';
import { archiveRow } from '../../../../support/archive/archive.ts';
import { ERASURE_KEY } from '../../../../support/fixtures/erasures.ts';
import { DOMAIN } from '../../../../support/fixtures/webhooks.ts';

const ERASED_PLACE = { partition: 'MSG#m', eventSort: 'R#erased:ab#E#delivered#x' };

test('an erased row keeps its Merkle leaf, and loses its recipient', () => {
  const row = archiveRow(1, { tags: ['welcome', 'to-ada@example.org'], severity: 'permanent' });

  const erased = erasedRow(row, DOMAIN, ERASURE_KEY);

  expect(leafOf(erased, DOMAIN)).toBe(leafOf(row, DOMAIN));
  expect(JSON.stringify(erased).toLowerCase()).not.toContain('example.org');
  const { tags, severity, recipient, messageId } = erased;
  expect({ tags, severity, recipient, messageId }).toEqual({
    tags: ['welcome'],
    severity: 'permanent',
    recipient: null,
    messageId: row.messageId,
  });
  expect(erasedRow(erased, DOMAIN, ERASURE_KEY)).toBe(erased);
});

test('a row that contains an erased address loses it and its salt, and keeps its Merkle leaf', () => {
  const row = archiveRow(2, {
    message: { headers: { to: 'ada@example.org, bob@example.net' } },
    recipient: 'bob@example.net',
  });

  const cleaned = rowWithoutAddress(row, 'ADA@example.org');

  expect(leafOf(cleaned, DOMAIN)).toBe(leafOf(row, DOMAIN));
  expect(cleaned.event).toContain('bob@example.net');
  expect(cleaned.event).not.toContain('ada@example.org');
  expect(cleaned.salt).toBeNull();
  expect(rowWithoutAddress(row, 'eve@example.org')).toBe(row);
});

test.each(['Ada@example.org.', "'ada@example.org'", 'bob@example.org,ada@example.org'])(
  'the row of the recipient %s is erased with the address',
  (recipient) => {
    const row = archiveRow(1, { recipient });
    const erased = rowErasure('ada@example.org', DOMAIN, ERASURE_KEY)(row);

    expect([erased.recipient, erased.event?.includes('@example.org')]).toEqual([null, false]);
    const { eventSort } = tombstoneIdentity(identify(JSON.parse(row.event ?? ''), DOMAIN), ERASURE_KEY);
    expect(erasedAs(erased)).toBe(parseMessageSort(eventSort).recipientKey);
    expect(rowErasure('ada@example.org', DOMAIN, ERASURE_KEY)(erased)).toBe(erased);
    expect(rowErasure('da@example.org', DOMAIN, ERASURE_KEY)(row)).toBe(row);
  },
);

test("an event with a tombstone's fields is erased like any other, once another's address was removed from it", () => {
  const forged = { 'erased-recipient': 'erased:00', 'failure-class': 'blocked' };
  const row = archiveRow(1, { ...forged, message: { headers: { to: 'ada@example.org, bob@example.net' } } });
  const own = row.recipient ?? '';
  const cleaned = rowErasure('bob@example.net', DOMAIN, ERASURE_KEY)(row);
  expect([cleaned.salt, cleaned.recipient, erasedAs(cleaned)]).toEqual([null, own, undefined]);

  const erased = rowErasure(own, DOMAIN, ERASURE_KEY)(cleaned);

  expect(erased.event).not.toContain(own);
  expect(erased.recipient).toBeNull();
  expect(erased.event).not.toContain('blocked');
});

test('the row of a tombstone has no content', () => {
  const { name, key, atMs, receivedAtMs, byWebhook, source } = archiveRow(3);
  const facts = { name, key, atMs, receivedAtMs, byWebhook, source };

  const tombstone = { event: 'delivered', id: 'x', domain: { name: DOMAIN }, tags: ['a'] };
  const { event, ...row } = rowOfTombstone(facts, tombstone, ERASED_PLACE, '00'.repeat(16));

  expect(row).toMatchObject({ type: 'delivered', salt: null, recipient: null, messageId: 'm', tags: ['a'] });
  expect(row.commitment).toMatch(/^[0-9a-f]{64}$/);
  expect(JSON.parse(event ?? '')).toEqual({
    ...tombstone,
    message: { headers: { 'message-id': 'm' } },
    'erased-recipient': 'erased:ab',
  });
});

test('a tombstone in the archive has its name in the table, and no address in a message id', () => {
  const { name, key, atMs, receivedAtMs, byWebhook, source } = archiveRow(3);
  const facts = { name, key, atMs, receivedAtMs, byWebhook, source };
  const messageId = 'ada@example.org.7@mg.example.com';
  const row = archiveRow(1, { message: { headers: { 'message-id': messageId } } });
  const { eventSort } = tombstoneIdentity(identify(JSON.parse(row.event ?? ''), DOMAIN), ERASURE_KEY);

  const erased = erasedRow(row, DOMAIN, ERASURE_KEY);

  expect([erasedAs(row), erasedAs(erased)]).toEqual([undefined, parseMessageSort(eventSort).recipientKey]);
  const place = { partition: messagePartition(messageId), eventSort };
  for (const each of [erased, rowOfTombstone(facts, { event: 'opened' }, place, '00'.repeat(16))])
    expect([each.messageId, each.event?.includes('ada@')]).toEqual([null, false]);
});
