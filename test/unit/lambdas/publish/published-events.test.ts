import type { SuppressionRow } from '../../../../lambdas/domain/publishing/published.ts';
import type { Erasures } from '../../../../lambdas/process/ports.ts';
import { createPublishedEvents } from '../../../../lambdas/publish/published-events.ts';
import { InMemoryErasures } from '../../../support/fixtures/erasures.ts';
import { NOW_MS } from '../../../support/fixtures/webhooks.ts';

const CHOICE = { ledger: 'test', subjectKey: 'k', recipients: true };

function row(recipient: string): SuppressionRow {
  return {
    type: 'suppression',
    partition: `SUP#${recipient}`,
    sort: 'd#complaint#*',
    recipient,
    domain: 'd',
    kind: 'complaint',
    scope: '*',
    reason: null,
    source: 'event',
    eventKey: 'complained#1',
    sinceMs: NOW_MS,
    lastAtMs: NOW_MS,
    liftedAtMs: null,
  };
}

function watched() {
  const lookups: (readonly string[])[] = [];
  const erasures: Erasures = {
    async among(addresses) {
      lookups.push(addresses);
      return [];
    },
  };
  return { lookups, erasures };
}

test('a change of an erased recipient is published without the address, and all others with theirs', async () => {
  const erasures = new InMemoryErasures();
  erasures.mark('ADA@example.org');
  const events = await createPublishedEvents(erasures, CHOICE)([row('Ada@example.org'), row('bob@example.org')]);

  expect(events.map(({ detail }) => detail.recipient)).toEqual([undefined, 'bob@example.org']);
  expect(events.map(({ detail }) => detail.kind)).toEqual(['complaint', 'complaint']);
});

test('a reason that quotes an erased recipient is published without the address', async () => {
  const erasures = new InMemoryErasures();
  erasures.mark('ada@example.org');
  const reason = '550 <ADA@example.org> is unknown';
  const rows = ['Ada@example.org', 'eve@example.org, ada@example.org', 'bob@example.org'].map(row);
  const events = await createPublishedEvents(erasures, CHOICE)(rows.map((each) => ({ ...each, reason })));

  const erased = '550 <erased> is unknown';
  expect(events.map(({ detail }) => detail.reason)).toEqual([erased, erased, reason]);
});

test('the markers of a batch are looked up together, each recipient once', async () => {
  const { lookups, erasures } = watched();
  await createPublishedEvents(erasures, CHOICE)([row('a@x'), row('b@x'), row('a@x')]);
  expect(lookups).toEqual([['a@x', 'b@x']]);
});

test('publishing without addresses reads no erasure marker', async () => {
  const { lookups, erasures } = watched();
  const [event] = await createPublishedEvents(erasures, { ...CHOICE, recipients: false })([row('a@x')]);
  expect(lookups.flat()).toEqual([]);
  expect(event?.detail.recipient).toBeUndefined();
});

test('while the markers cannot be read, nothing is published', async () => {
  const erasures = { among: () => Promise.reject(new Error('down')) };
  await expect(createPublishedEvents(erasures, CHOICE)([row('a@x')])).rejects.toThrow('down');
});
