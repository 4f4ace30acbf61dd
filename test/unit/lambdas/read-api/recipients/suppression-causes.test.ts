import type { RecipientHistory, StoredEvent } from '../../../../../lambdas/read-api/ports.ts';
import { createCauseEntries, createSuppressions } from '../../../../../lambdas/read-api/recipients/suppressions.ts';
import { DOMAIN, deliveredEvent } from '../../../../support/fixtures/webhooks.ts';

const RECIPIENT = 'ada@example.org';

/** The event of message n, which happened in second n. */
function stored(n: number, event: object, over: Partial<StoredEvent> = {}): StoredEvent {
  const raw = deliveredEvent({ recipient: RECIPIENT, message: { headers: { 'message-id': `m${n}@x` } }, ...event });
  const facts = { eventKey: `${raw.event}#${n}`, recipientKey: RECIPIENT, domain: DOMAIN, event: raw };
  return { ...facts, source: 'webhook', receivedAtMs: n * 1000, atMs: n * 1000, ...over };
}

const history = (events: readonly StoredEvent[]) =>
  ({
    async newest(_key: string, _range: object, limit: number) {
      const places = events.map(({ atMs }) => ({ partition: `MSG#m${atMs / 1000}@x`, atMs })).toReversed();
      return { places: places.slice(0, limit), hasMore: places.length > limit };
    },
    async events(partition: string) {
      const own = events.filter(({ atMs }) => partition === `MSG#m${atMs / 1000}@x`);
      return { entries: own.map((event) => ({ sort: '', event })), last: '', hasMore: false };
    },
  }) as unknown as RecipientHistory;

const suppression = {
  kind: 'complaint' as const,
  scope: '*',
  reason: null,
  source: 'event' as const,
  domain: DOMAIN,
  sinceMs: 1000,
  lastAtMs: 9000,
  eventKey: 'complained#1',
  liftedAtMs: null,
};

async function causesOf(events: readonly StoredEvent[], over: { liftedAtMs?: number } = {}) {
  const check = async (judged: readonly { atMs: number }[]) => judged.map(({ atMs }) => atMs === 1000);
  const suppressions = { list: async () => [{ ...suppression, ...over }] };
  const read = createSuppressions(suppressions, createCauseEntries(history(events), check));
  const { suppressions: found } = await read({ recipient: RECIPIENT, causesUnder: [RECIPIENT] });
  return found[0]?.causes;
}

test('every event behind a suppression is a cause with its own mark, newest first', async () => {
  const causes = await causesOf([
    stored(1, { event: 'complained' }),
    stored(2, { event: 'delivered' }),
    stored(3, { event: 'unsubscribed' }),
    stored(4, { event: 'complained' }, { domain: 'mg.other.example' }),
    stored(5, { event: 'complained' }, { unconfirmedSinceMs: 6000 }),
    stored(9, { event: 'complained' }),
  ]);
  expect(causes).toEqual([
    ...[9, 5, 1].map((n) => ({
      eventKey: `complained#${n}`,
      messageId: `m${n}@x`,
      at: new Date(n * 1000).toISOString(),
      unconfirmed: n === 5,
      confirmed: n === 1,
    })),
  ]);
});

test('an event before the last lift is not a cause', async () => {
  const events = [stored(1, { event: 'complained' }), stored(9, { event: 'complained' })];
  expect((await causesOf(events, { liftedAtMs: 5000 }))?.map(({ eventKey }) => eventKey)).toEqual(['complained#9']);
});
