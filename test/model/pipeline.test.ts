import type { JsonObject } from '../../lambdas/domain/json.ts';
import { claimKey } from '../../lambdas/domain/webhooks/signature.ts';
import { CRASH_MOMENTS, type InjectedFailure } from '../support/doubles/crashable-invocation.ts';
import { jsonBody } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { expectedStatus, lifeEvent, OUTCOME_NAMES } from './worlds/life-events.ts';
import { World } from './worlds/world.ts';

const RUNS = shareOf(2000);
const NOT_RETRIED = new Set(['stale', 'not-an-event', 'foreign-domain', 'token-reused']);

/** Valid responses to a genuine webhook: acknowledged, or refused so that Mailgun retries. */
const GENUINE_ANSWERS = new Set([
  'ok',
  'died',
  'unauthorized',
  'signing-key-unreadable',
  'table-unavailable',
  'queue-unavailable',
]);

/** All responses; `died` means none. */
const OUTCOMES = new Set([...GENUINE_ANSWERS, ...NOT_RETRIED, 'malformed-body', 'malformed-webhook', 'body-too-large']);

class Step implements fc.AsyncCommand<object, World> {
  readonly #name: string;
  readonly #act: (world: World) => Promise<void> | void;

  constructor(name: string, act: (world: World) => Promise<void> | void) {
    this.#name = name;
    this.#act = act;
  }

  check = () => true;
  run = async (_model: object, world: World) => {
    await this.#act(world);
  };
  toString = () => this.#name;
}

const event = fc
  .tuple(fc.constantFrom(...OUTCOME_NAMES), fc.nat(1), fc.nat(1), fc.nat(40))
  .map(([outcome, message, recipient, second]) => lifeEvent(outcome, message, recipient, second));
const trouble = fc.option(
  fc.record({ call: fc.nat(4), moment: fc.constantFrom(...CRASH_MOMENTS), kind: fc.constantFrom('crash', 'fault') }),
  { nil: undefined, freq: 2 },
) as fc.Arbitrary<InjectedFailure | undefined>;
const index = fc.nat(50);
const steps = (name: string, arbitrary: fc.Arbitrary<(world: World) => Promise<void> | void>) =>
  arbitrary.map((act) => new Step(name, act));

/** A genuine webhook may be refused only in ways that Mailgun retries, unless it is too old. */
async function genuine(deliver: () => ReturnType<World['deliver']>, mayBeStale = false): Promise<void> {
  const result = await deliver();
  const outcome = result === undefined ? 'died' : result.ok ? 'ok' : result.reason;
  if (!(mayBeStale && outcome === 'stale')) expect(GENUINE_ANSWERS).toContain(outcome);
  if (!result?.ok && !mayBeStale) expect(NOT_RETRIED).not.toContain(outcome);
}

const commands = [
  steps(
    'deliver',
    fc.tuple(event, trouble).map(
      ([e, t]) =>
        (w) =>
          genuine(() => w.deliver(e, t)),
    ),
  ),
  steps(
    'redeliver with the same token',
    fc.tuple(index, trouble).map(([i, t]) => (w) => {
      const posted = w.posted[i % w.posted.length];
      return posted && genuine(() => w.repost(posted, t), true);
    }),
  ),
  steps(
    'redeliver signed again',
    fc.tuple(index, trouble).map(([i, t]) => (w) => {
      const posted = w.posted[i % w.posted.length];
      return posted && genuine(() => w.deliver(posted.event, t));
    }),
  ),
  steps(
    'replay a used token with another body',
    fc.tuple(index, event).map(([i, e]) => async (w) => {
      const posted = w.posted[i % w.posted.length];
      if (posted === undefined) return;
      const forged: JsonObject = { ...e, recipient: 'eve@example.org' };
      const held = w.ledger.claims.get(claimKey(posted.signature));
      // Only a presented token is protected, and only within one version of the hash.
      if (held === undefined || !held.hash.startsWith(`${w.hashVersion}:`)) return;
      expect((await w.post(jsonBody(forged, posted.signature)))?.ok).toBe(false);
    }),
  ),
  steps(
    'cut timestamp and token elsewhere',
    index.map((i) => async (w) => {
      const posted = w.posted[i % w.posted.length];
      if (posted === undefined) return;
      const { timestamp, token, signature } = posted.signature;
      const cut = 1 + (i % 9);
      const moved = { timestamp: timestamp.slice(0, cut), token: timestamp.slice(cut) + token, signature };
      expect(await w.post(jsonBody(posted.event, moved))).toMatchObject({ ok: false, reason: 'unauthorized' });
    }),
  ),
  steps(
    'forge under another key',
    event.map((e) => async (w) => {
      const block = { ...w.sign(), signature: 'ab'.repeat(32) };
      expect(await w.post(jsonBody({ ...e, recipient: 'eve@example.org' }, block))).toMatchObject({ ok: false });
    }),
  ),
  steps(
    'post something stale or from the future',
    fc.tuple(event, fc.constantFrom(86_402, 200_000, -602, -86_400)).map(([e, age]) => async (w) => {
      const result = await w.post(jsonBody({ ...e, recipient: 'eve@example.org' }, w.sign(age)));
      expect(result).toMatchObject({ ok: false });
    }),
  ),
  steps(
    'time passes',
    fc.tuple(fc.constantFrom(1, 29, 31, 301, 3600, 50_000), fc.constantFrom(0, 48 * 3600)).map(([s, lag]) => (w) => {
      w.advance(s, lag);
    }),
  ),
  steps(
    'process',
    fc.tuple(index, trouble, fc.boolean()).map(
      ([i, t, stays]) =>
        (w) =>
          w.process(i, t, stays),
    ),
  ),
  steps(
    'Mailgun rotates its key',
    fc.constant((w) => w.rotateMailgunKey()),
  ),
  steps(
    'the new key is set',
    fc.constant((w) => w.setSecret()),
  ),
  steps(
    'deploy with another hash version',
    fc.nat(1).map((v) => (w) => {
      w.hashVersion = 1 + v;
    }),
  ),
  steps(
    'a message runs out of receives',
    index.map((i) => (w) => w.sendToDlq(i)),
  ),
  steps(
    'redrive the dead letters',
    fc.constant((w) => w.redrive()),
  ),
];

/** Nothing unverified reaches the queue; after draining, the records match the events. */
async function checkInvariants(world: World): Promise<void> {
  await world.drain();
  for (const outcome of world.outcomes.keys()) expect(OUTCOMES).toContain(outcome);
  const { events, statuses } = world.ledger;
  for (const key of world.acknowledged) expect([...events.keys()]).toContain(key);
  for (const [key, record] of events) {
    expect([...world.attempted.keys()]).toContain(key);
    expect(record.event).toEqual(world.attempted.get(key));
  }
  const bySubject = Map.groupBy(events.values(), ({ identity }) => `${identity.partition} ${identity.statusSort}`);
  expect([...statuses.keys()].sort()).toEqual([...bySubject.keys()].sort());
  for (const [subject, records] of bySubject) {
    expect(statuses.get(subject)).toMatchObject(expectedStatus(records.map((record) => record.event)));
  }
}

test('nothing acknowledged is lost, doubled or forged, whatever happens in whatever order', async () => {
  let steps = 0;
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: '+1' }), async (run) => {
      const world = new World();
      await fc.asyncModelRun(() => ({ model: {}, real: world }), run);
      await checkInvariants(world);
      for (const [outcome, count] of world.outcomes) {
        steps += count;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + count);
      }
    }),
    { numRuns: RUNS },
  );
  console.log(`model: ${RUNS} runs, ${steps} posts: ${JSON.stringify(Object.fromEntries(outcomes))}`);
  expect(outcomes.get('ok')).toBeGreaterThan(0);
}, 3_600_000);
