import { testButtonEvent } from '../../../../../tools/mailgun-twin/api/test-button.ts';
import { createRandom } from '../../../../../tools/mailgun-twin/random.ts';
import type { EventData } from '../../../../../tools/mailgun-twin/traffic/event-parts.ts';
import * as build from '../../../../../tools/mailgun-twin/traffic/events.ts';

const MAIL = {
  domain: 'mg.example.com',
  messageId: '20260921150000.0a1b2c3d4e5f6071@mg.example.com',
  from: 'hello@mg.example.com',
  to: ['ada@north.example'],
  subject: 'Your order is on its way',
  tags: ['receipt'],
};
const EPOCH_MS = 1_790_000_000_123;

const BUILDERS: Record<string, build.EventBuilder> = {
  accepted: build.accepted,
  delivered: build.delivered,
  'temporary failure': build.deferred(1, 600),
  bounce: build.bounced,
  'suppressed 605': build.suppressed(605),
  'suppressed 606': build.suppressed(606),
  'suppressed 607': build.suppressed(607),
  'too old': build.tooOld,
  'delayed bounce': build.delayedBounce,
  open: build.opened(),
  click: build.clicked(),
  'machine open': build.opened('apple'),
  'machine click': build.clicked('generic'),
  unsubscribe: build.unsubscribed('*'),
  complaint: build.complained,
};

const make = (name: string, seed = 1, oddShapes = false): EventData =>
  BUILDERS[name]!({
    mail: MAIL,
    recipient: 'ada@north.example',
    epochMs: EPOCH_MS,
    random: createRandom(seed),
    oddShapes,
  });

/** The different shapes that a field takes over many seeds. */
const shapesOf = (name: string, field: string, oddShapes = false) =>
  new Set(Array.from({ length: 60 }, (_, seed) => JSON.stringify(make(name, seed, oddShapes)[field])));

test.each(Object.keys(BUILDERS))('%s has the fields of every event', (name) => {
  const event = make(name);

  expect(event.id).toMatch(/^[\w-]{22}$/);
  expect(Math.floor(event.timestamp * 1000)).toBe(EPOCH_MS);
  expect(event).toMatchObject({
    recipient: 'ada@north.example',
    domain: { name: 'mg.example.com' },
    account: { id: expect.any(String) },
    message: { headers: { 'message-id': MAIL.messageId } },
    'log-level': expect.stringMatching(/^(info|warn|error)$/),
  });
});

test.each([
  ['temporary failure', { severity: 'temporary', 'delivery-status': { code: 451, 'retry-seconds': 600 } }],
  ['bounce', { severity: 'permanent', reason: 'bounce', 'delivery-status': { code: 550, 'bounce-type': 'hard' } }],
  ['suppressed 605', { severity: 'permanent', reason: 'suppress-bounce', 'delivery-status': { code: 605 } }],
  ['suppressed 606', { severity: 'permanent', reason: 'suppress-unsubscribe', 'delivery-status': { code: 606 } }],
  ['suppressed 607', { severity: 'permanent', reason: 'suppress-complaint', 'delivery-status': { code: 607 } }],
  ['too old', { severity: 'permanent', reason: 'old', 'delivery-status': { code: 602 } }],
  ['delayed bounce', { severity: 'permanent', flags: { 'is-delayed-bounce': true }, envelope: {} }],
  ['machine open', { 'client-info': { bot: 'apple' } }],
  ['unsubscribe', { tags: ['*'], storage: [] }],
])('%s has its own fields', (name, shape) => {
  expect(make(name)).toMatchObject(shape);
});

test('a delayed bounce has no tags and no recipient domain', () => {
  expect(Object.keys(make('delayed bounce'))).not.toEqual(expect.arrayContaining(['tags']));
  expect(make('delayed bounce')).not.toHaveProperty('recipient-domain');
});

test.each(['open', 'click', 'unsubscribe'])('%s shows the message id alone of its message', (name) => {
  expect(make(name).message).toEqual({ headers: { 'message-id': MAIL.messageId } });
});

test('odd user variables come as an object, a list, nested, and as a sentence', () => {
  const shapes = [...shapesOf('delivered', 'user-variables', true)];

  expect(shapes).toEqual(expect.arrayContaining(['{}', '[]', expect.stringMatching(/^"Could not load/)]));
  expect(shapes.some((shape) => /^\{".*\{/.test(shape))).toBe(true);
});

test('odd storage is now and then an empty list', () => {
  expect(shapesOf('delivered', 'storage', true)).toContain('[]');
});

test.each(Object.keys(BUILDERS))(
  '%s has flat user variables by default, and a list as storage only if documented',
  (name) => {
    for (const shape of shapesOf(name, 'user-variables')) expect(shape).toMatch(/^\{[^{[]*\}$/);
    if (name !== 'unsubscribe') expect(shapesOf(name, 'storage')).not.toContain('[]');
  },
);

test('the delivery status of an accepted event is null or absent', () => {
  expect(shapesOf('accepted', 'delivery-status')).toEqual(new Set(['null', undefined]));
});

test('an empty description is null, "" or absent', () => {
  const descriptions = Array.from({ length: 60 }, (_, seed) => {
    const status = make('delivered', seed)['delivery-status'] as { description?: string | null };
    return status.description;
  });

  expect(new Set(descriptions)).toEqual(new Set([null, '', undefined]));
});

test('the test button always sends the same event of March 2018', () => {
  const event = testButtonEvent('mg.example.com');

  expect(testButtonEvent('mg.example.com')).toEqual(event);
  expect(new Date(event.timestamp * 1000).toISOString()).toMatch(/^2018-03/);
  expect(event.recipient).toBe('alice@example.com');
});
