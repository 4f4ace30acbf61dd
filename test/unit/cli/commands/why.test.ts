import { describeEvent, explainStatus } from '../../../../cli/commands/why/explain-status.ts';
import { type LedgerView, reconciled } from '../../../../cli/commands/why/reconciled.ts';
import type { HistoryEvent } from '../../../../cli/event-history.ts';
import { plain } from '../../../../cli/output.ts';
import type { Slice } from '../../../../lambdas/domain/ledger/slice.ts';
import { emptyTally, slicePassed } from '../../../../lambdas/domain/ledger/tally.ts';

const START = 1_790_000_100;
const END = START + 900;

const DISTRUSTED = { unconfirmedSinceMs: 1, distrustedAtMs: 2 };

function event(name: string, over: object = {}, stored: Partial<HistoryEvent> = {}): HistoryEvent {
  return {
    partition: 'MSG#one',
    eventSort: `R#ada@example.org#E#${name}#1`,
    eventKey: `${name}#1`,
    event: { event: name, ...over },
    domain: 'mg.example.com',
    atMs: (START + 5) * 1000,
    source: 'webhook',
    receivedAtMs: (START + 6) * 1000,
    webhookAtMs: (START + 6) * 1000,
    unconfirmedSinceMs: undefined,
    ...stored,
  };
}

test.each([
  ['accepted', {}, 'accepted by Mailgun for sending'],
  ['delivered', { 'delivery-status': { code: 250, message: 'OK' } }, "taken by the recipient's mail server (250 OK)"],
  ['failed', { severity: 'permanent', reason: 'bounce' }, 'failed permanently, reason: bounce'],
  ['failed', { severity: 'temporary' }, 'not delivered yet, Mailgun tries again'],
  ['failed', {}, 'not delivered yet, Mailgun tries again'],
  ['opened', { 'client-info': { bot: 'gmail' } }, 'opened, by a machine and not a person'],
  ['list_member_uploaded', {}, 'list_member_uploaded'],
  [
    'rejected',
    { reject: { reason: 'Sandbox subdomains are for test purposes only', description: 'Add a domain' } },
    'refused by Mailgun before sending, reason: Sandbox subdomains are for test purposes only (Add a domain)',
  ],
  ['rejected', {}, 'refused by Mailgun before sending'],
])('why explains %s %j as: %s', (name, over, text) => {
  expect(describeEvent({ event: name, ...over })).toBe(text);
});

test('why prints texts of others without control characters, and cuts them', () => {
  expect(plain('a\u001b[2Jb\r\nc\u202ed')).toBe('a [2Jb c d');
  const text = describeEvent({
    event: 'failed',
    'delivery-status': { code: 550, message: `\u001b]0;x${'y'.repeat(900)}` },
  });
  expect(text.length).toBeLessThan(280);
  expect(text).not.toMatch(/[\u0000-\u001f]/);
});

describe('why prints why the deciding event counts:', () => {
  const delivered = event('delivered');
  const bounced = event('failed', { severity: 'permanent', reason: 'bounce' });
  test.each([
    ['one event', 'DELIVERED', delivered, [delivered], 'It is the only event that says what became of it.'],
    [
      'a bounce after a delivery',
      'FAILED',
      bounced,
      [delivered, bounced, event('accepted')],
      'A permanent failure counts more than a delivery and an acceptance, whichever came in first.',
    ],
    [
      'two of a kind',
      'DELIVERED',
      delivered,
      [delivered, event('delivered', {}, { eventKey: 'delivered#2' })],
      'Of 2 such events the earliest counts.',
    ],
    [
      'an open before anything else',
      'DELIVERED',
      event('opened'),
      [event('accepted'), event('opened')],
      'An open or a click counts more than an acceptance, whichever came in first.',
    ],
    [
      'a forged bounce that was discarded',
      'DELIVERED',
      delivered,
      [delivered, { ...bounced, unconfirmedSinceMs: 1 }],
      'What counts more was discarded, since Mailgun never listed it.',
    ],
    [
      'a forged delivery before it that was discarded, and another below',
      'DELIVERED',
      delivered,
      [
        delivered,
        event('delivered', {}, { eventKey: 'delivered#2', atMs: START * 1000, ...DISTRUSTED }),
        event('accepted', {}, DISTRUSTED),
      ],
      'What counts more was discarded, since Mailgun never listed it.',
    ],
    [
      'a later forged delivery that was discarded',
      'DELIVERED',
      delivered,
      [delivered, event('delivered', {}, { eventKey: 'delivered#2', atMs: END * 1000, ...DISTRUSTED })],
      'It is the only event that says what became of it.',
    ],
    [
      'discarded events alone',
      null,
      bounced,
      [{ ...bounced, ...DISTRUSTED }],
      'What says what became of it was discarded, since Mailgun never listed it.',
    ],
    ['nothing', null, event('unsubscribed'), [event('unsubscribed')], 'Nothing that came in says what became of it.'],
    ['an event that is gone', 'FAILED', bounced, [delivered], /decided by the event failed#1, which is not stored/],
    ['an erased event', 'FAILED', bounced, [{ ...bounced, event: undefined }], /whose content was erased/],
  ])('%s', (_name, status, { eventKey }, events, text) => {
    const says = explainStatus({ status, decidedBy: eventKey, events });
    if (typeof text === 'string') expect(says).toBe(text);
    else expect(says).toMatch(text);
  });
});

describe('why prints the result of reconciliation for an event:', () => {
  const delivered = event('delivered');
  const times = { everySeconds: 900, settleSeconds: 1800, sliceSeconds: 900, retentionSeconds: 86_400 };
  const later = (END + 3600) * 1000;
  const sliceWith = (over: Partial<Slice> = {}): Slice => ({
    ...slicePassed({ domain: 'mg.example.com', start: START, end: END }, undefined, emptyTally(), {
      startedAtMs: (END + 1800) * 1000,
      nowMs: (END + 1800) * 1000,
      unlisted: false,
      isOld: false,
    }),
    ...over,
  });
  const view = (slice: Slice | undefined, over: Partial<LedgerView> = {}): LedgerView => ({
    watermarks: { position: END, second: START },
    slice,
    times,
    nowMs: later,
    ...over,
  });
  const unconfirmed = sliceWith({ unconfirmed: { delivered: 1 } });
  const passedTwice = { finalAt: (END + 43_200) * 1000 };

  test.each([
    ['listed', delivered, view(sliceWith()), { slice: 'settled', listed: 'yes' }],
    ['perhaps one that is not listed yet', delivered, view(unconfirmed), { listed: 'unknown' }],
    [
      'marked by the second pass',
      { ...delivered, unconfirmedSinceMs: later },
      view({ ...unconfirmed, ...passedTwice }),
      { listed: 'never' },
    ],
    ['not marked by it', delivered, view({ ...unconfirmed, ...passedTwice }), { listed: 'yes' }],
    [
      'brought by reconciliation',
      { ...delivered, source: 'reconcile' as const },
      view(sliceWith({ missing: { opened: 1 } })),
      { slice: 'open', listed: 'yes' },
    ],
    [
      'brought by a replay of the time before the ledger',
      { ...delivered, source: 'reconcile' as const },
      view(undefined),
      { slice: 'unknown', listed: 'yes', why: null },
    ],
    [
      'come in after the last look',
      { ...delivered, receivedAtMs: later },
      view(sliceWith()),
      { slice: 'settled', listed: 'unknown', why: expect.stringMatching(/may have come too early for it/) },
    ],
    [
      'stored during the last pass',
      { ...delivered, storedAtMs: sliceWith().passedAt - 1 },
      view(sliceWith({ startedAt: sliceWith().passedAt - 60_000 })),
      { slice: 'settled', listed: 'unknown', why: expect.stringMatching(/may have come too early for it/) },
    ],
    [
      'of a time Mailgun forgot',
      delivered,
      view(sliceWith({ unlisted: true })),
      { slice: 'unlisted', listed: 'unknown' },
    ],
    ['before the ledger', delivered, view(undefined), { slice: 'unknown', why: 'the ledger does not cover this time' }],
    [
      'not due',
      delivered,
      view(undefined, { watermarks: { position: START, second: START }, nowMs: (END + 10) * 1000 }),
      { slice: 'not due', listed: 'unknown' },
    ],
    ['due', delivered, view(undefined, { watermarks: { position: START, second: START } }), { slice: 'due' }],
    [
      'without a ledger',
      delivered,
      view(undefined, { watermarks: undefined }),
      { slice: 'unknown', listed: 'unknown' },
    ],
  ])('%s', (_name, given, its, says) => {
    expect(reconciled(given, its)).toMatchObject(says);
  });
});
