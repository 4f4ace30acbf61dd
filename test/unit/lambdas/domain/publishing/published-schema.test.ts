import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormatsPackage from 'ajv-formats';
import { identify } from '../../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../../../lambdas/domain/json.ts';
import { deliveryBody, TEST_DETAIL_TYPE } from '../../../../../lambdas/domain/publishing/delivery.ts';
import { type PublishableRow, publishedEvent } from '../../../../../lambdas/domain/publishing/published.ts';
import { DELIVERED_TYPES } from '../../../../../lambdas/domain/publishing/receiver-filter.ts';
import { statusOrder } from '../../../../../lambdas/domain/status/decide-status.ts';
import { statusUpdateOf } from '../../../../../lambdas/domain/status/status-update.ts';
import { suppressionOf } from '../../../../../lambdas/domain/status/suppression.ts';
import { deliverySchema } from '../../../../../schemas/event-schemas.ts';
import { matches, type Pattern, requireKnownPattern } from '../../../../../tools/local-stack/event-source/pattern.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const DOCS = join(import.meta.dirname, '../../../../../docs');
const page = readFileSync(join(DOCS, 'publishing.md'), 'utf8');
const schemaOf = (name: string) => JSON.parse(readFileSync(join(DOCS, 'schemas', `${name}.json`), 'utf8'));

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
// A CommonJS package: its default is inside.
(addFormatsPackage as unknown as { default: (instance: Ajv2020) => void }).default(ajv);
const SCHEMAS = {
  MessageStatusChanged: schemaOf('message-status-changed.v1'),
  SuppressionChanged: schemaOf('suppression-changed.v1'),
};
const VALIDATE = {
  MessageStatusChanged: ajv.compile(SCHEMAS.MessageStatusChanged),
  SuppressionChanged: ajv.compile(SCHEMAS.SuppressionChanged),
};

/** The rows that an event makes of an empty table. */
function rowsOf(over: Record<string, unknown>): PublishableRow[] {
  const event = deliveredEvent(over);
  const { partition, statusSort, eventKey } = identify(event, DOMAIN);
  const parsed = parseEvent(event);
  const { status, reason } = statusUpdateOf(parsed);
  const suppression = suppressionOf(parsed);
  const atMs = 1_769_999_990_123;
  const order = statusOrder(statusUpdateOf(parsed), atMs, eventKey);
  const common = { recipient: String(event.recipient), domain: DOMAIN };
  return [
    {
      type: 'status',
      partition,
      sort: statusSort,
      order,
      status,
      reason,
      statusAtMs: atMs,
      decidedBy: eventKey,
      ...common,
    },
    ...(suppression === undefined ? [] : [suppression]).map(
      ({ kind, scope, reason, source }): PublishableRow => ({
        type: 'suppression',
        partition: 'SUP#x',
        sort: `${DOMAIN}#${kind}#${scope}`,
        kind,
        scope,
        reason,
        source,
        sinceMs: atMs,
        lastAtMs: atMs,
        eventKey,
        liftedAtMs: null,
        ...common,
      }),
    ),
  ];
}

const LIVES = [
  { event: 'accepted' },
  { event: 'delivered' },
  { event: 'opened' },
  { event: 'failed', severity: 'temporary', reason: 'generic' },
  { event: 'failed', severity: 'permanent', reason: 'bounce' },
  { event: 'failed', severity: 'permanent', reason: 'suppress-bounce', 'delivery-status': { code: 605 } },
  { event: 'rejected' },
  { event: 'complained' },
  { event: 'delivered', message: undefined },
  { event: 'complained', message: { headers: { 'message-id': 'x'.repeat(300) } }, id: undefined },
];
const UNSUBSCRIBED = { event: 'unsubscribed', tags: ['news'] };

/** A suppression after a lift, and after a later event. */
const LIFTED = { liftedAtMs: 1_770_000_000_000 };
const AGAIN = { ...LIFTED, lastAtMs: 1_770_000_000_001 };

const publishedOf = (lives: readonly Record<string, unknown>[], recipients: boolean) =>
  [...lives.flatMap(rowsOf), ...rowsOf(UNSUBSCRIBED).slice(1)]
    .flatMap((row): PublishableRow[] =>
      row.type === 'suppression' ? [row, { ...row, ...LIFTED }, { ...row, ...AGAIN }] : [row],
    )
    .map((row) => publishedEvent(row, { ledger: 'mailgun-ledger-prod', subjectKey: 'k', recipients }));

/** The same as a rule sees it. */
const envelope = ({ detailType, detail }: ReturnType<typeof publishedOf>[number]) => ({
  version: '0',
  id: 'x',
  account: '333333333333',
  region: 'eu-west-1',
  resources: [],
  source: 'mailgun-ledger',
  'detail-type': detailType,
  detail,
});

describe.each([true, false])('with recipients %s', (recipients) => {
  test('every published event matches its schema', () => {
    const events = publishedOf(LIVES, recipients);

    expect(events.length).toBeGreaterThan(15);
    for (const { detailType, detail } of events) {
      const validate = VALIDATE[detailType];
      validate(detail);
      expect(validate.errors).toBeNull();
    }
  });

  test('every published field is in the schemas', () => {
    for (const { detailType, detail } of publishedOf(LIVES, recipients)) {
      expect(Object.keys(SCHEMAS[detailType].properties)).toEqual(expect.arrayContaining(Object.keys(detail)));
    }
  });
});

describe('the body of a delivery', () => {
  const validate = ajv.compile(deliverySchema);
  const bodyOf = (detailType: string, detail: JsonObject & { id: string }) =>
    JSON.parse(deliveryBody({ detailType, detail, publishedAt: 1_790_000_000, requestedAt: 0 }));

  test.each([true, false])('matches its schema, with recipients %s', (recipients) => {
    const bodies = publishedOf(LIVES, recipients).map(({ detailType, detail }) => bodyOf(detailType, detail as never));
    for (const body of [...bodies, bodyOf(TEST_DETAIL_TYPE, { id: 'test#1' })]) {
      validate(body);
      expect(validate.errors).toBeNull();
    }
    expect(new Set(bodies.map(({ type }) => type))).toEqual(new Set(Object.keys(DELIVERED_TYPES)));
  });

  test('is refused by its schema with data of another type or without data', () => {
    const [status] = publishedOf(LIVES, false);
    const body = bodyOf(status?.detailType ?? '', status?.detail as never);
    for (const broken of [{ type: 'suppression.changed' }, { type: 'message.sent' }, { data: {} }, { timestamp: 0 }]) {
      expect(validate({ ...body, ...broken })).toBe(false);
    }
  });
});

test('the schemas refuse an event that a consumer could not use', () => {
  const [event] = publishedOf(LIVES, false);
  for (const broken of [{ version: 2 }, { status: null }, { order: 'later' }, { subject: 'ada@example.org' }]) {
    expect(VALIDATE.MessageStatusChanged({ ...event?.detail, ...broken })).toBe(false);
  }
});

test('the schema takes every corrected status, and only then none', () => {
  const corrected = LIVES.flatMap(rowsOf)
    .filter(({ type }) => type === 'status')
    .flatMap((row): PublishableRow[] => [
      { ...row, corrections: 1 } as PublishableRow,
      { ...row, status: null, reason: null, corrections: 20 } as PublishableRow,
    ])
    .map((row) => publishedEvent(row, { ledger: 'l', subjectKey: 'k', recipients: false }).detail);

  for (const detail of corrected) {
    VALIDATE.MessageStatusChanged(detail);
    expect(VALIDATE.MessageStatusChanged.errors).toBeNull();
    const before = { ...detail, order: detail.order.slice('c000001#'.length) };
    expect(VALIDATE.MessageStatusChanged(before)).toBe(detail.status !== null);
  }
});

test('the schemas take what is published since a restore, and of a suppression that was withdrawn', () => {
  const withdrawn = { corrections: 3, isWithdrawn: true };
  const rows = LIVES.flatMap(rowsOf).flatMap((row): PublishableRow[] =>
    row.type === 'suppression' ? [row, { ...row, ...withdrawn, liftedAtMs: row.sinceMs }] : [row],
  );
  for (const row of rows) {
    for (const restoredAtMs of [undefined, 1_790_000_000_000]) {
      const choice = { ledger: 'l', subjectKey: 'k', recipients: false, restoredAtMs };
      const { detailType, detail } = publishedEvent(row, choice);
      const validate = VALIDATE[detailType];
      validate(detail);
      expect(validate.errors).toBeNull();
      expect(detail.order.startsWith('r1790000000000#')).toBe(restoredAtMs !== undefined);
    }
  }
});

test('the example on the page matches the schema', () => {
  const [, text = ''] = /```json\n(\{\n {2}"source": "mailgun-ledger".*?)```/s.exec(page) ?? [];
  const example = JSON.parse(text);

  expect(VALIDATE.MessageStatusChanged(example.detail)).toBe(true);
  expect(example).toMatchObject({ source: 'mailgun-ledger', 'detail-type': 'MessageStatusChanged' });
});

function patternOf(name: string): Pattern {
  const [, text = ''] = new RegExp(`<!-- pattern: ${name} -->\\n\`\`\`json\\n(.*?)\`\`\``, 's').exec(page) ?? [];
  const pattern: unknown = JSON.parse(text);
  requireKnownPattern(pattern, name);
  return pattern;
}

describe('the example rules on the page', () => {
  test('match complaints and no other status', () => {
    const matched = publishedOf(LIVES, false).filter((event) => matches(patternOf('complained'), envelope(event)));

    expect(matched.map(({ detail }) => detail.status)).toEqual(['COMPLAINED', 'COMPLAINED']);
  });

  test('match a corrected complaint again, under another id of the same subject', () => {
    const [row] = rowsOf({ event: 'complained' });
    const choice = { ledger: 'l', subjectKey: 'k', recipients: false };
    const events = [row, { ...row, corrections: 1 }].map((each) => publishedEvent(each as PublishableRow, choice));

    expect(events.filter((event) => matches(patternOf('complained'), envelope(event)))).toHaveLength(2);
    expect(new Set(events.map(({ detail }) => detail.id)).size).toBe(2);
    expect(new Set(events.map(({ detail }) => detail.subject)).size).toBe(1);
    expect(page).toMatch(/^A ticket for every complaint.*`subject`/m);
  });

  test('match every suppression in force of a named address', () => {
    const suppressed = (recipients: boolean) =>
      publishedOf(LIVES, recipients).filter((event) => matches(patternOf('suppressed'), envelope(event)));

    // Each as it came about, and as it came about again after a lift.
    expect(suppressed(true).map(({ detail }) => detail.kind)).toEqual(
      ['bounce', 'bounce', 'complaint', 'complaint', 'unsubscribe'].flatMap((kind) => [kind, kind]),
    );
    expect(suppressed(true).every(({ detail }) => detail.liftedAt === null && detail.recipient !== undefined)).toBe(
      true,
    );
    expect(suppressed(false)).toEqual([]);
  });
});
