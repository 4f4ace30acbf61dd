import { createFindings } from '../../../../../cli/commands/erase/sweep-table.ts';
import { identify } from '../../../../../lambdas/domain/events/identity.ts';
import { recipientKey, suppressionPartition } from '../../../../../lambdas/domain/keys.ts';
import { textWithoutAddress, tombstoneIdentity } from '../../../../../lambdas/domain/recipients/erasure.ts';
import { packEvent, unpackEvent } from '../../../../../lambdas/formats/packed-event.ts';
import { ERASURE_KEY } from '../../../../support/fixtures/erasures.ts';
import { NO_KEY } from '../../../../support/fixtures/seed.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';
import fc from '../../../../support/property.ts';
import { shareOf } from '../../../../support/share.ts';

const findings = createFindings('ada@b\u00fccher.example', ERASURE_KEY);
const SPELLINGS = [
  'ada@xn--bcher-kva.example',
  'ada@b\u00fccher.example',
  'ada@bu\u0308cher.example',
  'ada l. <ada@b\u00fccher.example>',
];
const item = (sk: string, over = {}) => ({ pk: 'MSG#1', sk, ...over });

test.each(SPELLINGS)('the sweep finds what an older version stored under %s', (recipient) => {
  const event = { dayKey: `${DOMAIN}#2026-02-02#delivered`, raw: packEvent(deliveredEvent({ recipient }), NO_KEY) };
  expect(findings.find(item(`R#${recipient}#STATUS`))).toEqual({ kind: 'status', isShared: false });
  expect(findings.find(item(`R#${recipient}#E#delivered#1`, event))).toMatchObject({ kind: 'event' });
  expect(findings.find({ pk: `SUP#${recipient}`, sk: 'd#complaint#*' })).toEqual({
    kind: 'suppression',
    isShared: false,
  });
});

test('all spellings of an address leave the same tombstone', () => {
  const tombstones = SPELLINGS.map((recipient) => {
    const raw = packEvent(deliveredEvent({ recipient }), NO_KEY);
    const found = findings.find(
      item(`R#${recipient}#E#delivered#1`, { dayKey: `${DOMAIN}#2026-02-02#delivered`, raw }),
    );
    return found.kind === 'event' ? found.tombstone.sk : undefined;
  });
  expect(new Set(tombstones).size).toBe(1);
  expect(tombstones[0]).toMatch(/^R#erased:[0-9a-f]{64}#E#delivered#1$/);
});

test('an address in a remaining key is reported, a longer address with the same end is not', () => {
  expect(findings.isKept({ pk: 'MSG#ada@b\u00fccher.example', sk: 'R#-#STATUS' })).toBe(true);
  expect(findings.isKept({ pk: 'MSG#lada@b\u00fccher.example', sk: 'R#-#STATUS' })).toBe(false);
});

const ODD = ["'ada@b\u00fccher.example'", 'ada@b\u00fccher.example.', 'eve@example.org, <Ada@b\u00fccher.example>'];
const LONG = `${'x'.repeat(200)}@example.org,ada@b\u00fccher.example`;

test.each([...ODD, LONG])('the sweep erases what is stored of the recipient %s', (recipient) => {
  const event = deliveredEvent({ recipient });
  const { partition, eventSort, statusSort } = identify(event, DOMAIN);
  const key = { pk: partition, sk: eventSort };
  const stored = { ...key, dayKey: `${DOMAIN}#2026-02-02#delivered`, raw: packEvent(event, key) };
  const isShared = recipient.includes(',');
  const found = findings.find(stored);
  expect(found).toMatchObject({ kind: 'event', isShared });
  const { tombstone } = found as Extract<typeof found, { kind: 'event' }>;
  // Reconciliation looks for the tombstone of what Mailgun lists.
  expect(tombstone.sk).toBe(tombstoneIdentity({ eventSort }, ERASURE_KEY).eventSort);
  expect(findings.find(tombstone)).toEqual({ kind: 'none' });
  expect(findings.find({ pk: partition, sk: statusSort, recipient })).toEqual({ kind: 'status', isShared });
  const pk = suppressionPartition(recipientKey(recipient));
  expect(findings.find({ pk, sk: 'd#complaint#*', recipient })).toEqual({ kind: 'suppression', isShared });
});

test('what the sweep has rewritten is not found again, whatever its recipient', () => {
  const texts = [
    'ada@b\u00fccher.example',
    'lada@b\u00fccher.example',
    'bob@example.org',
    ',',
    '.',
    "'",
    '@',
    '',
    ' ',
    '<',
    '>',
  ];
  const text = fc.array(fc.constantFrom(...texts), { maxLength: 5 }).map((parts) => parts.join(''));
  const recipient = fc.oneof(
    text,
    fc.constant(undefined),
    text.map((each) => [each]),
  );
  fc.assert(
    fc.property(recipient, text, fc.constantFrom('rejected', 'delivered'), (sent, to, name) => {
      const event = deliveredEvent({ event: name, recipient: sent, message: { headers: { to } }, url: to });
      const { partition: pk, eventSort: sk } = identify(event, DOMAIN);
      const stored = { pk, sk, dayKey: `${DOMAIN}#2026-02-02#${name}`, raw: packEvent(event, { pk, sk }) };
      const first = findings.find(stored);
      const left =
        first.kind === 'mention' ? { ...stored, raw: first.raw } : first.kind === 'event' ? first.tombstone : stored;
      // A tombstone that takes the event's own place would be deleted with it.
      if (first.kind === 'event') expect(left.sk).not.toBe(sk);
      expect(findings.find(left)).toEqual({ kind: 'none' });
      const rest = unpackEvent(left.raw as Uint8Array, left);
      expect(textWithoutAddress(JSON.stringify(rest.recipient ?? ''), 'ada@b\u00fccher.example')).toBe(
        JSON.stringify(rest.recipient ?? ''),
      );
    }),
    { numRuns: shareOf(2000) },
  );
});

test('an event whose key names no recipient stays, without the address', () => {
  // Another recipient of the same rejected mail was erased before.
  const event = deliveredEvent({
    event: 'rejected',
    recipient: undefined,
    message: { headers: { to: 'erased, ada@b\u00fccher.example' } },
  });
  const key = { pk: 'MSG#1', sk: 'R#-#E#rejected#1' };
  const found = findings.find({ ...key, raw: packEvent(event, key) });
  expect(found).toMatchObject({ kind: 'mention' });
});
