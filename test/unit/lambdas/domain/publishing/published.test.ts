import { readChange } from '../../../../../lambdas/adapters/table/delivery-repository.ts';
import {
  hasChanged,
  publishedEvent,
  type StatusRow,
  type SuppressionRow,
} from '../../../../../lambdas/domain/publishing/published.ts';
import { statusOrder } from '../../../../../lambdas/domain/status/decide-status.ts';

const CHOICE = { ledger: 'mailgun-ledger-prod', subjectKey: 'a secret', recipients: false };
const AT_MS = 1_769_999_990_123;

function status(over: Partial<StatusRow> = {}): StatusRow {
  return {
    type: 'status',
    partition: 'MSG#20260202.1@mg.example.com',
    sort: 'R#ada@example.org#STATUS',
    order: statusOrder({ precedence: 30, status: 'DELIVERED', reason: null }, AT_MS, 'delivered#a'),
    status: 'DELIVERED',
    reason: null,
    statusAtMs: AT_MS,
    decidedBy: 'delivered#a',
    recipient: 'Ada@Example.org',
    domain: 'mg.example.com',
    ...over,
  };
}

function suppression(over: Partial<SuppressionRow> = {}): SuppressionRow {
  return {
    type: 'suppression',
    partition: 'SUP#ada@example.org',
    sort: 'mg.example.com#complaint#*',
    domain: 'mg.example.com',
    kind: 'complaint',
    scope: '*',
    reason: null,
    source: 'event',
    sinceMs: AT_MS,
    lastAtMs: AT_MS,
    eventKey: 'complained#c',
    recipient: 'Ada@Example.org',
    liftedAtMs: null,
    ...over,
  };
}

describe('a published event', () => {
  test('has the facts of a status', () => {
    expect(publishedEvent(status({ status: 'FAILED', reason: 'bounce' }), CHOICE)).toEqual({
      detailType: 'MessageStatusChanged',
      detail: {
        version: 1,
        id: expect.stringMatching(/^[\w-]{22}#30#8230000009876#delivered#a$/),
        ledger: 'mailgun-ledger-prod',
        subject: expect.stringMatching(/^[\w-]{22}$/),
        order: '30#8230000009876#delivered#a',
        domain: 'mg.example.com',
        messageId: '20260202.1@mg.example.com',
        status: 'FAILED',
        reason: 'bounce',
        statusAt: 1769999990.123,
        eventKey: 'delivered#a',
      },
    });
  });

  test('has the facts of a suppression', () => {
    expect(publishedEvent(suppression(), CHOICE)).toEqual({
      detailType: 'SuppressionChanged',
      detail: {
        version: 1,
        id: expect.stringMatching(/^[\w-]{22}#complained#c$/),
        ledger: 'mailgun-ledger-prod',
        subject: expect.stringMatching(/^[\w-]{22}$/),
        order: '0000000000000#8230000009876#complained#c',
        domain: 'mg.example.com',
        kind: 'complaint',
        scope: '*',
        reason: null,
        since: '2026-02-02T02:39:50.123Z',
        liftedAt: null,
        eventKey: 'complained#c',
      },
    });
  });

  test.each([status(), suppression()])('for a $type names no recipient unless that is configured', (row) => {
    const quiet = JSON.stringify(publishedEvent(row, CHOICE)).toLowerCase();
    const reported = publishedEvent(row, { ...CHOICE, recipients: true });

    expect(quiet).not.toContain('ada@');
    expect(reported.detail.recipient).toBe('Ada@Example.org');
    expect({ ...reported.detail, recipient: undefined }).toEqual({
      ...publishedEvent(row, CHOICE).detail,
      recipient: undefined,
    });
  });

  test.each([status, suppression])('quotes no recipient in its reason unless that is configured', (rowOf) => {
    const reason = '550 <ADA@example.org> is unknown, ask bob@example.org';
    const reasonOf = (recipient: string, recipients = false) =>
      publishedEvent(rowOf({ reason, recipient }), { ...CHOICE, recipients }).detail.reason;

    expect(reasonOf('Ada <Ada@Example.org>')).toBe('550 <erased> is unknown, ask bob@example.org');
    expect(reasonOf('ada@example.org, bob@example.org')).toBe('550 <erased> is unknown, ask erased');
    expect(reasonOf('')).toBe(reason);
    expect(reasonOf('ada@example.org', true)).toBe(reason);
  });

  test('quotes no part of a recipient whose address is where its reason is cut', () => {
    const { detail } = publishedEvent(status({ reason: `${'a '.repeat(497)}<ada@example.org>` }), CHOICE);
    expect(detail.reason).toBe(`${'a '.repeat(497)}<erase`);
  });

  test('has the same subject for every event of a row, and another for other rows and keys', () => {
    const subjectOf = (row: StatusRow | SuppressionRow, key = 'a secret') =>
      publishedEvent(row, { ...CHOICE, subjectKey: key }).detail.subject;

    expect(subjectOf(status({ order: '50#1', decidedBy: 'complained#z' }))).toBe(subjectOf(status()));
    const others = [
      subjectOf(status({ sort: 'R#bob@example.org#STATUS' })),
      subjectOf(status({ partition: 'MSG#2' })),
      subjectOf(status(), 'another secret'),
      subjectOf(suppression()),
    ];
    expect(new Set([subjectOf(status()), ...others]).size).toBe(5);
  });

  test('for an event without a message states that', () => {
    expect(
      publishedEvent(status({ partition: 'NOMSG#mg.example.com#2026-02-02' }), CHOICE).detail.messageId,
    ).toBeNull();
  });

  test('with a long reason does not end in half a character', () => {
    const { detail } = publishedEvent(status({ reason: `${'a'.repeat(999)}\u{1f4e7}` }), CHOICE);
    expect(detail.reason).toBe(`${'a'.repeat(999)}\ufffd`);
  });

  test('is made of a reason that one long word fills', () => {
    const { detail } = publishedEvent(status({ reason: `@${'a'.repeat(300_000)}` }), CHOICE);
    expect(detail.reason).toBe(`@${'a'.repeat(999)}`);
  });

  test('with the longest texts fits ten times into one call', () => {
    const long = '\u0001'.repeat(300_000);
    const key = `sha256:${'a'.repeat(64)}`;
    const rows = [
      status({ reason: long, recipient: long }),
      suppression({ reason: long, recipient: long, scope: long, sort: `mg.example.com#unsubscribe#${key}` }),
    ];
    for (const row of rows) {
      const { detail } = publishedEvent(row, { ...CHOICE, recipients: true });
      expect(Buffer.byteLength(JSON.stringify(detail))).toBeLessThan(20_000);
      expect(detail).not.toHaveProperty('recipient');
    }
    expect(publishedEvent(rows[1] as SuppressionRow, CHOICE).detail.scope).toBe(key);
  });
});

describe('publishing a change of an item', () => {
  test.each([
    { name: 'a new status', before: undefined, after: status(), is: true },
    {
      name: 'a status decided by another event',
      before: status({ order: `10#8230000009876#accepted#a`, decidedBy: 'accepted#a' }),
      after: status(),
      is: true,
    },
    { name: 'the same status written again', before: status(), after: status(), is: false },
    { name: 'a status item without a status', before: undefined, after: status({ status: null }), is: false },
    { name: 'the first status of an item without', before: status({ status: null }), after: status(), is: true },
    {
      name: 'a status of the same event with another time',
      before: status({ order: '30#8230000009875#delivered#a' }),
      after: status(),
      is: true,
    },
    { name: 'a correction of the reason alone', before: status(), after: status({ corrections: 1 }), is: true },
    {
      name: 'a correction that leaves no status',
      before: status(),
      after: status({ status: null, order: '00#8230000009876#delivered#a', corrections: 1 }),
      is: true,
    },
    {
      name: 'a corrected status written again',
      before: status({ corrections: 2 }),
      after: status({ corrections: 2 }),
      is: false,
    },
    { name: 'a new suppression', before: undefined, after: suppression(), is: true },
    { name: 'the same suppression written again', before: suppression(), after: suppression(), is: false },
    {
      name: 'an earlier event of a suppression',
      before: suppression({ eventKey: 'complained#later', sinceMs: AT_MS + 1 }),
      after: suppression(),
      is: true,
    },
    { name: 'a suppression lifted', before: suppression(), after: suppression({ liftedAtMs: AT_MS + 5 }), is: true },
    {
      name: 'a suppression that comes about again after a lift',
      before: suppression({ liftedAtMs: AT_MS + 5 }),
      after: suppression({ liftedAtMs: AT_MS + 5, lastAtMs: AT_MS + 6 }),
      is: true,
    },
    {
      name: 'a repeat of one that came about again',
      before: suppression({ liftedAtMs: AT_MS + 5, lastAtMs: AT_MS + 6 }),
      after: suppression({ liftedAtMs: AT_MS + 5, lastAtMs: AT_MS + 7 }),
      is: false,
    },
    {
      name: 'a later event that the lift already covers',
      before: suppression({ liftedAtMs: AT_MS + 5 }),
      after: suppression({ liftedAtMs: AT_MS + 5, lastAtMs: AT_MS + 5 }),
      is: false,
    },
    {
      name: 'a later event of one that was never lifted',
      before: suppression(),
      after: suppression({ lastAtMs: AT_MS + 7 }),
      is: false,
    },
    {
      name: 'a second lift',
      before: suppression({ liftedAtMs: AT_MS + 5, lastAtMs: AT_MS + 6 }),
      after: suppression({ liftedAtMs: AT_MS + 9, lastAtMs: AT_MS + 6 }),
      is: true,
    },
  ])('with $name: $is', ({ before, after, is }) => {
    expect(hasChanged(before, after)).toBe(is);
  });

  test('gives each change its own id, and a later state a greater order', () => {
    const rows = [
      suppression({ sinceMs: AT_MS + 9, eventKey: 'complained#l' }),
      suppression({ eventKey: 'complained#b' }),
      suppression(),
    ];
    const lifts = [
      suppression({ liftedAtMs: AT_MS + 20 }),
      suppression({ liftedAtMs: AT_MS + 20, lastAtMs: AT_MS + 21 }),
      suppression({ liftedAtMs: AT_MS + 30, lastAtMs: AT_MS + 21 }),
      suppression({ liftedAtMs: AT_MS + 30, lastAtMs: AT_MS + 31 }),
    ];
    const events = [...rows, ...lifts].map((row) => publishedEvent(row, CHOICE).detail);

    expect(new Set(events.map(({ id }) => id)).size).toBe(7);
    expect([...new Set(events.map(({ order }) => order))].toSorted()).toEqual(events.map(({ order }) => order));
    expect(events.map(({ liftedAt }) => liftedAt !== null)).toEqual([false, false, false, true, false, true, false]);
    expect(events[4]?.id).toMatch(`#complained#c#again-${AT_MS + 20}`);
  });
});

test('each correction of a status has its own id and a greater order, whatever it corrects, and so has what follows', () => {
  const [low, high] = ['10#0000000000000#accepted#a', '50#9999999999999#complained#z'];
  const states = [
    ...[low, high].map((order) => status({ order })),
    ...[1, 2, 9, 10, 100_000].flatMap((corrections) => [low, high].map((order) => status({ order, corrections }))),
  ];
  const events = states.map((row) => publishedEvent(row, CHOICE).detail);

  expect(new Set(events.map(({ id }) => id)).size).toBe(states.length);
  const sorted = events.toSorted((a, b) => Buffer.compare(Buffer.from(a.order), Buffer.from(b.order)));
  expect(sorted.map(({ order }) => order)).toEqual(events.map(({ order }) => order));
});

test('what is published since a restore has its own id, and a greater order than all before it', () => {
  for (const [before, after] of [
    [status({ corrections: 9 }), status()] as const,
    [suppression({ liftedAtMs: AT_MS }), suppression()] as const,
  ]) {
    const details = [
      publishedEvent(before, CHOICE),
      ...[AT_MS, AT_MS + 1].map((restoredAtMs) => publishedEvent(after, { ...CHOICE, restoredAtMs })),
    ].map(({ detail }) => detail);
    expect(new Set(details.map(({ id }) => id)).size).toBe(3);
    expect(details.map(({ order }) => order).toSorted()).toEqual(details.map(({ order }) => order));
  }
});

test('a withdrawn suppression reads as lifted when it began, between what it was and what follows', () => {
  const withdrawn = { liftedAtMs: AT_MS, isWithdrawn: true };
  const states = [
    suppression({ liftedAtMs: AT_MS + 9, lastAtMs: AT_MS + 10 }),
    suppression({ corrections: 1, ...withdrawn }),
    suppression({ corrections: 1, sinceMs: AT_MS + 20, lastAtMs: AT_MS + 20 }),
    suppression({ corrections: 1, sinceMs: AT_MS + 10, lastAtMs: AT_MS + 20 }),
    suppression({ corrections: 2, ...withdrawn }),
    suppression({ corrections: 2, eventKey: 'complained#z' }),
  ];
  const details = states.map((row) => publishedEvent(row, CHOICE).detail);

  const { order } = details[1] ?? {};
  expect([order, details[1]?.liftedAt]).toEqual([expect.stringMatching(/^c000001#/), details[1]?.since]);
  expect(details.map(({ liftedAt }) => liftedAt !== null)).toEqual([false, true, false, false, true, false]);
  expect(new Set(details.map(({ id }) => id)).size).toBe(5);
  expect(details.map((each) => each.order).toSorted()).toEqual(details.map((each) => each.order));
});

describe('a stream record', () => {
  const image = { order: { S: '30#1#a' }, status: { S: 'DELIVERED' }, reason: { NULL: true }, statusAt: { N: '12.5' } };
  const item = { pk: { S: 'MSG#1' }, sk: { S: 'R#a#STATUS' }, decidedBy: { S: 'delivered#a' }, recipient: { S: 'a' } };
  const record = (NewImage: object, OldImage?: object) => ({
    dynamodb: { SequenceNumber: '7', ApproximateCreationDateTime: 1_770_000_000, NewImage, OldImage },
  });

  test('is parsed with both images', () => {
    const before = { ...image, ...item, status: { S: 'ACCEPTED' }, domain: { S: 'mg.example.com' } };
    expect(readChange(record({ ...image, ...item }, before))).toEqual({
      position: '7',
      changedAtMs: 1_770_000_000_000,
      before: expect.objectContaining({ status: 'ACCEPTED', domain: 'mg.example.com' }),
      after: {
        type: 'status',
        partition: 'MSG#1',
        sort: 'R#a#STATUS',
        order: '30#1#a',
        status: 'DELIVERED',
        reason: null,
        statusAtMs: 12.5,
        decidedBy: 'delivered#a',
        recipient: 'a',
        domain: null,
      },
    });
  });

  test('of a corrected status has the number of its corrections', () => {
    expect(readChange(record({ ...image, ...item, corrections: { N: '3' } }))?.after).toMatchObject({ corrections: 3 });
  });

  test.each([
    {
      name: 'a tombstone',
      NewImage: {
        pk: { S: 'MSG#1' },
        sk: { S: 'R#erased:ab12#E#opened#1' },
        raw: { B: 'AA==' },
        receivedAt: { N: '1' },
      },
    },
    { name: 'the marker of an erased recipient', NewImage: { pk: { S: 'ERASED#ab12' }, sk: { S: 'ERASED' } } },
    { name: 'a claim', NewImage: { pk: { S: 'CLAIM#1' }, sk: { S: 'CLAIM' }, id: { S: 'x' } } },
    { name: 'an event', NewImage: { pk: { S: 'MSG#1' }, sk: { S: 'R#a#E#opened#1' }, raw: { B: 'AA==' } } },
    { name: 'a slice', NewImage: { pk: { S: 'SLICE#x' }, sk: { S: '1' }, expected: { M: {} } } },
  ])('of $name is ignored', ({ NewImage }) => {
    expect(readChange(record(NewImage))).toBeUndefined();
  });

  test('of a suppression has its latest event, which older items lack', () => {
    const suppressed = { pk: { S: 'SUP#a' }, sk: { S: 'd#bounce#*' }, kind: { S: 'bounce' }, since: { N: '5' } };
    expect(readChange(record(suppressed))?.after).toMatchObject({ sinceMs: 5, lastAtMs: 5, liftedAtMs: null });
    const again = { ...suppressed, lastAt: { N: '9' }, liftedAt: { N: '7' } };
    expect(readChange(record(again))?.after).toMatchObject({ sinceMs: 5, lastAtMs: 9, liftedAtMs: 7 });
  });

  test('of a restored item is ignored until something else changes it', () => {
    const restored = { ...image, ...item, restored: { BOOL: true } };
    expect(readChange(record(restored))).toBeUndefined();
    expect(readChange(record({ ...image, ...item, order: { S: '50#1#a' } }, restored))).toBeDefined();
  });

  test('of a deletion is ignored', () => {
    expect(readChange({ dynamodb: { SequenceNumber: '8', OldImage: { ...image, ...item } } })).toBeUndefined();
  });
});
