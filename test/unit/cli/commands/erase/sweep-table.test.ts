import { createFindings } from '../../../../../cli/commands/erase/sweep-table.ts';
import { packEvent } from '../../../../../lambdas/formats/packed-event.ts';
import { ERASURE_KEY } from '../../../../support/fixtures/erasures.ts';
import { NO_KEY } from '../../../../support/fixtures/seed.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

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
  expect(findings.find(item(`R#${recipient}#STATUS`))).toEqual({ kind: 'status' });
  expect(findings.find(item(`R#${recipient}#E#delivered#1`, event))).toMatchObject({ kind: 'event' });
  expect(findings.find({ pk: `SUP#${recipient}`, sk: 'd#complaint#*' })).toEqual({ kind: 'suppression' });
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
