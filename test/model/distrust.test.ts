import { identify } from '../../lambdas/domain/events/identity.ts';
import type { QueueMessage } from '../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { createProcess } from '../../lambdas/process/process.ts';
import { decideAgain } from '../../lambdas/shared/decide-again.ts';
import { CRASH_MOMENTS, CrashableInvocation, type InjectedFailure } from '../support/doubles/crashable-invocation.ts';
import { InMemoryLedger, type StoredRecord } from '../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../support/fixtures/erasures.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { injectedFailure } from './worlds/injected-failures.ts';
import { expectedStatus, lifeEvent, OUTCOME_NAMES } from './worlds/life-events.ts';

// What an operator distrusts decides nothing from then on, whatever comes later or at the same time, until Mailgun
// lists it.

const RUNS = shareOf(2000);

type Work = () => Promise<unknown>;

/** One message, of which some events are forged. */
class DistrustWorld {
  readonly ledger = new InMemoryLedger();

  /** Takes a message until it is done, as from the queue; `meanwhile` happens before one call. */
  async take(
    message: QueueMessage,
    trouble?: InjectedFailure,
    meanwhile?: { call: number; work: Work },
  ): Promise<void> {
    let calls = 0;
    await retried(
      trouble,
      async (ledger) => {
        const process = createProcess({ ...LONE_PROCESS, records: ledger, corrections: ledger, retentionDays: 400 });
        return process(message);
      },
      this.ledger,
      async () => {
        if (calls++ === meanwhile?.call) await meanwhile.work();
      },
    );
  }

  /** Distrusts all forged events that are stored, like the command, which runs again where it was cut. */
  async distrust(trouble?: InjectedFailure, meanwhile?: { call: number; work: Work }): Promise<void> {
    const records = [...this.ledger.events.values()];
    if (records.length === 0) return;
    let calls = 0;
    await retried(
      trouble,
      async (ledger) => {
        for (const { event, identity } of records) if (isForged(event)) await ledger.markDistrusted(identity, NOW_MS);
        if (!(await decideAgain(ledger, records[0] as never))) throw new Error('the status keeps changing');
        return true;
      },
      this.ledger,
      async () => {
        if (calls++ === meanwhile?.call) await meanwhile.work();
      },
    );
  }

  /** Returns what is decided, and what the events decide that are not distrusted. */
  statuses() {
    const [status] = this.ledger.statuses.values();
    const trusted = [...this.ledger.events.values()].filter(({ distrustedAtMs }) => distrustedAtMs === undefined);
    const expected = trusted.length === 0 ? undefined : expectedStatus(trusted.map(ofOutcome));
    return { is: status?.status ?? null, expected: expected?.status ?? null };
  }
}

/** Runs `work` until it is done, first with trouble; `before` runs before each call to the ledger. */
async function retried(
  trouble: InjectedFailure | undefined,
  work: (ledger: InMemoryLedger) => Promise<unknown>,
  ledger: InMemoryLedger,
  before: Work,
): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    const invocation = new CrashableInvocation(tries === 0 ? trouble : undefined);
    const wrapped = invocation.wrap(
      'table',
      new Proxy(ledger, {
        get: (object, name) => {
          const member = Reflect.get(object, name);
          if (typeof member !== 'function') return member;
          return async (...args: unknown[]) => {
            await before();
            return member.apply(object, args);
          };
        },
      }),
    );
    if ((await invocation.run(() => work(wrapped)).catch(() => undefined)) !== undefined) return;
  }
  throw new Error('it never succeeds');
}

const isForged = ({ id }: JsonObject) => String(id).startsWith('forged-');
/** The event by the outcome that its content has, which a forged copy may change. */
const ofOutcome = ({ event }: StoredRecord): JsonObject => {
  const id = String(event.id).replace(/^forged-/, '');
  const isFailure = event.event === 'failed';
  return isFailure
    ? { ...event, id: event.severity === 'permanent' ? 'bounced-x' : id.replace('bounced', 'deferred') }
    : { ...event, id };
};

const webhook = (event: JsonObject): QueueMessage => ({ source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event });
const listed = (event: JsonObject): QueueMessage => ({ ...webhook(event), source: 'reconcile', corrects: true });
const archived = (event: JsonObject): QueueMessage => ({
  ...webhook(event),
  restored: { atMs: Number(event.timestamp) * 1000, byWebhook: true, unconfirmedSince: NOW_MS },
});

const genuine = fc
  .tuple(fc.constantFrom(...OUTCOME_NAMES), fc.nat(2))
  .map(([outcome, second]) => lifeEvent(outcome, 0, 0, second));
const forged = genuine.map((event): JsonObject => ({ ...event, id: `forged-${event.id}` }));
const trouble = injectedFailure(9);
const at = fc.option(fc.nat(9), { nil: undefined });
const step = fc.oneof(
  fc.record({ does: fc.constant('webhook' as const), event: fc.oneof(genuine, forged), trouble, at }),
  fc.record({
    does: fc.constant('again' as const),
    nth: fc.nat(9),
    secondsLater: fc.constantFrom(-5, 0, 5),
    trouble,
    at,
  }),
  fc.record({
    does: fc.constant('correct' as const),
    event: genuine,
    secondsLater: fc.constantFrom(0, 5),
    trouble,
    at,
  }),
  fc.record({ does: fc.constant('list' as const), nth: fc.nat(9), trouble, at }),
  fc.record({ does: fc.constant('replay' as const), nth: fc.nat(9), trouble, at }),
  fc.record({ does: fc.constant('distrust' as const), trouble, at }),
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** Returns the message of a step; undefined where it has none. */
function messageOf(world: DistrustWorld, each: Exclude<Step, { does: 'distrust' }>): QueueMessage | undefined {
  if (each.does === 'webhook') return webhook(each.event);
  if (each.does === 'correct')
    return listed({ ...each.event, timestamp: Number(each.event.timestamp) + each.secondsLater });
  const distrusted = [...world.ledger.events.values()].filter(({ distrustedAtMs }) => distrustedAtMs !== undefined);
  const found = distrusted[each.nth % Math.max(distrusted.length, 1)]?.event;
  if (found === undefined) return undefined;
  if (each.does === 'list') return listed(found);
  return each.does === 'replay'
    ? archived(found)
    : webhook({ ...found, timestamp: Number(found.timestamp) + each.secondsLater });
}

test('a distrusted event decides nothing, whatever is corrected, repeated, restored or cut before, after or meanwhile', async () => {
  let [left, repeated, trusted] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 16 }), async (steps) => {
      const world = new DistrustWorld();
      for (const each of steps) {
        if (each.does === 'distrust') {
          await world.distrust(each.trouble);
          continue;
        }
        const message = messageOf(world, each);
        if (message === undefined) continue;
        // A status may lack an event that is put after the command has read, and whose own update came before.
        const isStored = await world.ledger.isStored(identify(message.event, DOMAIN));
        const meanwhile =
          isStored && each.at !== undefined ? { call: each.at, work: () => world.distrust() } : undefined;
        await world.take(message, each.trouble, meanwhile);
        const { is, expected } = world.statuses();
        expect({ is, after: each.does }).toEqual({ is: expected, after: each.does });
        if (each.does === 'again') repeated += 1;
        if (each.does === 'list') trusted += 1;
      }
      const { is, expected } = world.statuses();
      expect(is).toBe(expected);
      if ([...world.ledger.events.values()].some(({ distrustedAtMs }) => distrustedAtMs !== undefined)) left += 1;
    }),
    { numRuns: RUNS },
  );
  for (const count of [left, repeated, trusted]) expect(count).toBeGreaterThan(RUNS / 10);
});

test('wherever distrust is cut, and whatever message is taken between two of its calls, its repeat leaves what is trusted', async () => {
  const failure = lifeEvent('bounced', 0, 0, 2);
  const forgery: JsonObject = { ...lifeEvent('complained', 0, 0, 1), id: 'forged-complained-1' };
  const messages = [webhook(forgery), archived(forgery), listed({ ...failure, reason: 'other' }), listed(forgery)];
  for (const message of messages) {
    for (let call = 0; call < 6; call += 1) {
      for (const moment of CRASH_MOMENTS) {
        const world = new DistrustWorld();
        for (const event of [failure, forgery]) await world.take(webhook(event));
        await world.distrust({ call, moment, kind: 'crash' }, { call, work: () => world.take(message) });
        const { is, expected } = world.statuses();
        expect({ is, call, moment }).toEqual({ is: expected, call, moment });
      }
    }
  }
});

test('a forged complaint that comes again is taken back wherever it is cut, and whenever it was distrusted', async () => {
  const forgery: JsonObject = { ...lifeEvent('complained', 0, 0, 1), id: 'forged-complained-1' };
  for (const secondsLater of [-5, 0, 5]) {
    const again = webhook({ ...forgery, timestamp: Number(forgery.timestamp) + secondsLater });
    for (let at = 0; at < 4; at += 1) {
      for (let call = 0; call < 8; call += 1) {
        const world = new DistrustWorld();
        for (const event of [lifeEvent('delivered', 0, 0, 2), forgery]) await world.take(webhook(event));
        await world.take(again, { call, moment: 'before', kind: 'crash' }, { call: at, work: () => world.distrust() });
        expect({ ...world.statuses(), at, call }).toEqual({ is: 'DELIVERED', expected: 'DELIVERED', at, call });
      }
    }
  }
});

test('a distrusted complaint that comes again, dated later, suppresses no more than before', async () => {
  const world = new DistrustWorld();
  const forgery: JsonObject = { ...lifeEvent('complained', 0, 0, 1), id: 'forged-complained-1' };
  await world.take(webhook(forgery));
  await world.distrust();
  const before = structuredClone([...world.ledger.suppressions]);
  await world.take(webhook({ ...forgery, timestamp: Number(forgery.timestamp) + 5 }));
  expect([...world.ledger.suppressions]).toEqual(before);
});
