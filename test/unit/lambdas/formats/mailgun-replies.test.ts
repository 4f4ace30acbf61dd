import type { Json, JsonObject } from '../../../../lambdas/domain/json.ts';
import type { RegisteredWebhook } from '../../../../lambdas/domain/webhooks/webhook-drift.ts';
import {
  eventOfLog,
  isOfDomain,
  readAccountHooks,
  readAccountWebhooks,
  readClassesPage,
  readDomainsPage,
  readDomainWebhooks,
  readEventsPage,
  readHours,
  readLogsPage,
  readRedaction,
} from '../../../../lambdas/formats/mailgun-replies.ts';
import fc from '../../../support/property.ts';
import { shareOf } from '../../../support/share.ts';

const OWN = 'https://hooks.example.com/webhooks/mailgun';
const OTHER = 'https://crm.example.net/mailgun';
const at = (level: RegisteredWebhook['level'], url: string, type: string) => ({ level, type, url });

test('old records of one url are read like lists of one', () => {
  expect(readDomainWebhooks({ webhooks: { opened: { url: OTHER }, clicked: { urls: [OWN, OTHER] } } })).toEqual([
    at('domain', OTHER, 'opened'),
    at('domain', OWN, 'clicked'),
    at('domain', OTHER, 'clicked'),
  ]);
});

test('a webhook of the account counts for each of its types', () => {
  const body = { webhooks: [{ webhook_id: 'w', url: OWN, event_types: ['opened', 'clicked'] }] };
  expect(readAccountWebhooks(body)).toEqual([at('account', OWN, 'opened'), at('account', OWN, 'clicked')]);
});

test('registrations of the account are parsed one by one, and invalid ones are skipped', () => {
  const body = {
    webhooks: [null, 7, { webhook_id: 'w', urls: [OWN], event_types: ['opened', 7], created_at: 't' }, {}],
  };
  expect(readAccountHooks(body)).toEqual([
    { id: 'w', urls: [OWN], types: ['opened'], createdAt: 't' },
    { id: undefined, urls: [], types: [], createdAt: undefined },
  ]);
});

test.each([[undefined], [{}], [[]], [{ webhooks: 7 }]])('a reply like %p is refused', (body) => {
  expect([readDomainWebhooks(body), readAccountWebhooks(body)]).toEqual([undefined, undefined]);
});

describe('a reply of any JSON', () => {
  const READERS = [
    ...[readEventsPage, readLogsPage, readHours, readClassesPage, readDomainsPage],
    ...[readDomainWebhooks, readAccountHooks, readAccountWebhooks, readRedaction],
    ...[eventOfLog, (item: JsonObject) => isOfDomain(item, 'mg.example.com')],
  ];
  const ITEM_FIELDS = [
    'name',
    'type',
    'domain',
    'dimension',
    'dimensions',
    'value',
    'metrics',
    '@timestamp',
    'storage',
  ];
  const HOOK_FIELDS = ['url', 'urls', 'webhook_id', 'event_types', 'created_at', 'user-variables'];
  const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
  const fields = (names: readonly string[], held: fc.Arbitrary<Json>) =>
    fc.dictionary(fc.constantFrom(...names), held, { noNullPrototype: true });
  const item = fc.oneof(value, fields([...ITEM_FIELDS, ...HOOK_FIELDS], fc.oneof(value, fc.array(value))));
  const held = fc.oneof(value, fc.array(item), fields(['next', 'total', 'a', 'webhooks_redact_pii'], item));
  const BODY_FIELDS = ['items', 'paging', 'pagination', 'total_count', 'webhooks'];

  test('is read without an error, whatever the type of its fields', () => {
    const reply = fields([...BODY_FIELDS, ...ITEM_FIELDS, ...HOOK_FIELDS], held);
    fc.assert(
      fc.property(reply, (body) => {
        for (const read of READERS) expect(() => read(body)).not.toThrow();
      }),
      { numRuns: shareOf(1000) },
    );
  });
});

test.each([
  ['names no domain', {}, true],
  ['names the domain in other case', { domain: { name: 'MG.example.com' } }, true],
  ['names another', { domain: { name: 'other.example.com' } }, false],
  ['has a name of another type', { domain: { name: 7 } }, true],
  ['has a domain of another type', { domain: 'other.example.com' }, true],
])('an item of the logs that %s is read: %j', (_name, item, expected) => {
  expect(isOfDomain(item, 'mg.example.com')).toBe(expected);
});

test('of the events API an empty page is the last, and a full one without a next is refused', () => {
  const event = { event: 'delivered' };
  expect(readEventsPage({ items: [], paging: { next: 'https://x/2' } })).toEqual({ events: [] });
  expect(readEventsPage({ items: [event], paging: { next: 'https://x/2' } })).toEqual({
    events: [event],
    next: 'https://x/2',
  });
  for (const paging of [undefined, null, 7, {}, { next: '' }, { next: 7 }]) {
    expect(readEventsPage({ items: [event], ...(paging !== undefined && { paging }) })).toBeUndefined();
  }
});

test.each([[-1], [1.5], ['7'], [null]])('an hour with a count of %j is refused, unless it has none', (count) => {
  const hour = (metrics: JsonObject) => ({
    items: [{ dimensions: [{ dimension: 'time', value: 'Mon, 02 Feb 2026 02:00:00 +0000' }], metrics }],
  });
  expect(readHours(hour({}))?.hours).toMatchObject([{ start: 1_769_997_600, failedWebhooks: 0 }]);
  for (const name of ['delivered_count', 'webhook_count']) {
    expect(readHours(hour({ [name]: count }))).toEqual(count === null ? readHours(hour({})) : undefined);
  }
});
