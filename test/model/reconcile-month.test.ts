import type { JsonObject } from '../../lambdas/domain/json.ts';
import { createProcess } from '../../lambdas/process/process.ts';
import { InMemoryLedger } from '../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../support/fixtures/erasures.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import { shareOf } from '../support/share.ts';
import { numbered, ReconcileWorld } from './worlds/reconcile-world.ts';

const HOUR = 3600;
const DAYS = 30;
const EVENTS = shareOf(6000);
const RETRIED_FOR_SECONDS = 29_100;
const DEPENDENCIES = ['mailgun', 'table', 'queue', 'process', 'secrets'] as const;
const OUTAGE_SECONDS = [60, HOUR, 9 * HOUR, 72 * HOUR];

/** Returns an outage of each dependency in turn, six hours apart. */
function outages() {
  let at = NOW_MS / 1000 + 2 * HOUR;
  return DEPENDENCIES.flatMap((dependency) =>
    OUTAGE_SECONDS.map((seconds) => {
      const outage = { dependency, from: at, to: at + seconds };
      at += seconds + 6 * HOUR;
      return outage;
    }),
  );
}

/** Returns the stored records without the fields that differ between copies. */
const records = ({ events, statuses }: InMemoryLedger) => ({
  events: [...events.keys()].sort(),
  statuses: [...statuses].sort(([a], [b]) => (a < b ? -1 : 1)),
});

async function withoutTrouble(events: JsonObject[]) {
  const ledger = new InMemoryLedger();
  const store = createProcess({ records: ledger, retentionDays: 400, ...LONE_PROCESS });
  for (const event of events) {
    const receivedAt = Math.ceil(Number(event.timestamp) * 1000);
    await store({ source: 'webhook', receivedAt, domain: DOMAIN, event });
  }
  return records(ledger);
}

test.each([0, 1, 10, 100])(
  '30 days with %d %% of webhooks dropped and every dependency out in turn',
  async (percent) => {
    const world = new ReconcileWorld();
    const start = NOW_MS / 1000;
    const plan = outages();
    expect(plan.at(-1)!.to).toBeLessThan(start + (DAYS - 3) * 24 * HOUR);
    const retried: { event: JsonObject; until: number }[] = [];
    let next = 0;
    // Webhooks come by the minute; reconcile runs every 15 minutes.
    for (let minute = 0; minute < DAYS * 24 * 60; minute += 1) {
      const now = start + minute * 60;
      world.nowMs = now * 1000;
      world.down.clear();
      for (const { dependency, from, to } of plan) if (now >= from && now < to) world.down.add(dependency);
      const endpointIsUp = !(['table', 'queue', 'secrets'] as const).some((each) => world.down.has(each));
      for (; next < EVENTS && (next * (DAYS - 2) * 24 * HOUR) / EVENTS <= minute * 60; next += 1) {
        const event = numbered(next, now - 0.25);
        world.mailgun.add(event);
        const isPolled = event.event === 'stored';
        if (isPolled || (next * 37) % 100 < percent) continue;
        if (endpointIsUp) world.webhook(event);
        else if (event.event !== 'delivered') retried.push({ event, until: now + RETRIED_FOR_SECONDS });
      }
      if (endpointIsUp) for (const { event, until } of retried.splice(0)) if (until >= now) world.webhook(event);
      if (minute % 15 === 0) await world.run();
      await world.process();
    }

    const { expected, stored, missing, recovered, polled, unconfirmed } = world.totals;
    const sent = [...world.book.slices.values()].filter(({ sends }) => sends > 0);
    const hours = (slices: typeof sent) =>
      slices.map(({ end, settledAt }) => ((settledAt ?? Infinity) / 1000 - end) / HOUR).sort((a, b) => a - b);
    const isCalm = ({ start, end }: { start: number; end: number }) =>
      plan.every(({ from, to }) => to + HOUR < start || from > end + 2 * HOUR);
    const calm = hours(sent.filter(isCalm));
    const reads = (world.stored.keysRead + world.stored.lookedUp) / world.mailgun.listed;
    const mostSends = Math.max(0, ...world.sends.values());
    console.log(
      `${percent} % dropped: ${expected} expected, ${recovered} recovered, ${polled} polled, ${missing} unaccounted; ` +
        `at most ${mostSends} sends of an event, ${sum(world.sends)} in all; hours from the end of a slice to settled: ` +
        `most ${hours(sent).at(-1)?.toFixed(1)}, away from outages median ${calm[Math.floor(calm.length / 2)]?.toFixed(2)}; ` +
        `${reads.toFixed(2)} keys read per listed event; ` +
        `${(world.mailgun.calls / (recovered + polled)).toFixed(1)} Mailgun calls per recovered event`,
    );
    expect({ expected, stored, missing, unconfirmed, open: world.book.open.size }).toEqual({
      expected: EVENTS,
      stored: EVENTS,
      missing: 0,
      unconfirmed: 0,
      open: 0,
    });
    expect(mostSends).toBeLessThanOrEqual(5);
    expect(records(world.ledger)).toEqual(await withoutTrouble(world.mailgun.events));
  },
  60_000,
);

const sum = (sends: Map<string, number>) => [...sends.values()].reduce((all, each) => all + each, 0);
