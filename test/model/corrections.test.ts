import type { JsonObject } from '../../lambdas/domain/json.ts';
import {
  hasChanged,
  type PublishableRow,
  type PublishedDetail,
  publishedEvent,
  type StatusRow,
  type SuppressionRow,
} from '../../lambdas/domain/publishing/published.ts';
import { createProcess } from '../../lambdas/process/process.ts';
import { decideAgain } from '../../lambdas/shared/decide-again.ts';
import { createRandom } from '../../tools/mailgun-twin/random.ts';
import { CrashableInvocation, type InjectedFailure } from '../support/doubles/crashable-invocation.ts';
import {
  InMemoryLedger,
  type StatusItem,
  type StoredRecord,
  type SuppressionItem,
} from '../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../support/fixtures/erasures.ts';
import { DOMAIN, NOW_MS } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { injectedFailure } from './worlds/injected-failures.ts';
import { lifeEvent, OUTCOME_NAMES } from './worlds/life-events.ts';

// A receiver that follows docs/receivers.md ends with the status that the table holds, whatever corrected it.

const RUNS = shareOf(1500);

/** Two messages, whose every state is published: repeated, and in any order. */
class CorrectionWorld {
  readonly ledger = new InMemoryLedger();
  readonly published: PublishedDetail[] = [];
  /** Number of events that had been published when the table was lost, and the statuses that receivers held then. */
  lostAt = 0;
  readonly lostStatuses = new Map<string, StatusItem>();
  #clockMs = NOW_MS;
  /** Noted in the table, so a restore may bring back an earlier one, or none. */
  #restoredAtMs: number | undefined;
  #archive: readonly StoredRecord[] = [];
  #backup: { contents: Contents; restoredAtMs: number | undefined } | undefined;

  constructor() {
    const publish = (row: PublishableRow) =>
      this.published.push(
        publishedEvent(row, {
          ledger: 'test',
          subjectKey: 'k',
          recipients: true,
          restoredAtMs: this.#restoredAtMs,
        }).detail,
      );
    const publishSuppression = (key: string, item: SuppressionItem, isWithdrawn: boolean) => {
      const held = this.ledger.suppressions.get(key);
      const withdrawn = this.ledger.withdrawn.get(key);
      const before = held ? suppressionRow(key, held, false) : withdrawn && suppressionRow(key, withdrawn, true);
      const after = suppressionRow(key, item, isWithdrawn);
      if (isWithdrawn || hasChanged(before, after)) publish(after);
    };
    const watched = (isWithdrawn: boolean) =>
      new (class extends Map<string, SuppressionItem> {
        override set(key: string, item: SuppressionItem) {
          publishSuppression(key, item, isWithdrawn);
          return super.set(key, item);
        }
      })();
    this.ledger.suppressions = watched(false);
    this.ledger.withdrawn = watched(true);
    this.ledger.statuses = new (class extends Map<string, StatusItem> {
      override set(key: string, item: StatusItem) {
        const [before, after] = [this.get(key), item].map((each) => each && rowOf(key, each));
        if (after !== undefined && !item.isRestored && hasChanged(before, after)) publish(after);
        return super.set(key, item);
      }
    })();
  }

  /** Returns the messages of what was published since the table was lost. */
  changedSinceLoss(): ReadonlySet<unknown> {
    return new Set(this.published.slice(this.lostAt).map(({ messageId }) => messageId));
  }

  /** Archives the events that are stored. */
  seal(): void {
    this.#archive = structuredClone([...this.ledger.events.values()].map(({ event, ...rest }) => ({ ...rest, event })));
  }

  /** Loses the table. */
  lose(): void {
    const changed = this.changedSinceLoss();
    for (const [key, item] of this.ledger.statuses) {
      if (changed.has(messageIdIn(key))) this.lostStatuses.set(key, item);
    }
    this.lostAt = this.published.length;
    this.ledger.statuses.clear();
    this.ledger.events.clear();
    this.ledger.suppressions.clear();
    this.ledger.withdrawn.clear();
  }

  /** Backs the table up. */
  backUp(): void {
    const { statuses, suppressions, withdrawn, events } = this.ledger;
    this.#backup = {
      contents: copyOf({ statuses, suppressions, withdrawn, events }),
      restoredAtMs: this.#restoredAtMs,
    };
  }

  /**
   * Replaces the table by its backup, and notes the begin like `replay --restored`. Items that are copied into the stack's
   * own table pass through its stream, possibly after that; those of a restored table do not.
   */
  recover({ isCopied, isLate }: { isCopied: boolean; isLate: boolean }): void {
    if (this.#backup === undefined) return;
    this.lose();
    this.#restoredAtMs = this.#backup.restoredAtMs;
    const { statuses, suppressions, withdrawn, events } = copyOf(this.#backup.contents);
    if (isLate) this.#noteLoss();
    for (const [key, item] of events) this.ledger.events.set(key, item);
    putAll(this.ledger.statuses, statuses, isCopied);
    putAll(this.ledger.suppressions, suppressions, isCopied);
    putAll(this.ledger.withdrawn, withdrawn, isCopied);
    if (!isLate) this.#noteLoss();
  }

  #noteLoss(): void {
    this.lostAt = this.published.length;
    this.#noteBegin();
  }

  #noteBegin(): void {
    this.#clockMs += 1;
    this.#restoredAtMs = this.#clockMs;
  }

  /** Brings back what the archive holds and the table lacks, or the first few of it, like `replay --from-archive`. */
  async restore(length: number): Promise<void> {
    this.#noteBegin();
    const stored = new Set([...this.ledger.events.values()].map(({ identity }) => JSON.stringify(identity)));
    const missing = this.#archive.filter(({ identity }) => !stored.has(JSON.stringify(identity)));
    const process = createProcess({
      ...LONE_PROCESS,
      records: this.ledger,
      corrections: this.ledger,
      retentionDays: 400,
    });
    for (const { source, receivedAtMs, event, atMs } of missing.slice(0, length)) {
      const restored = { atMs, byWebhook: source === 'webhook' };
      await process({ source, receivedAt: receivedAtMs, domain: DOMAIN, event, restored });
    }
  }

  /** Stores an event; the message comes again until it is done, as from the queue. */
  async store(event: JsonObject, corrects: boolean, trouble: InjectedFailure | undefined): Promise<void> {
    const message = { source: corrects ? 'reconcile' : 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event } as const;
    for (const each of [trouble, undefined]) {
      const invocation = new CrashableInvocation(each);
      const ports = invocation.wrap('table', this.ledger);
      const process = createProcess({ ...LONE_PROCESS, records: ports, corrections: ports, retentionDays: 400 });
      const send = () => process({ ...message, ...(corrects && { corrects }) });
      const outcome = await invocation.run(send).catch(() => undefined);
      if (outcome !== undefined) return;
    }
  }

  /** Discards what the forged events of each message changed, like `distrust`; runs again where it was cut. */
  async distrust(trouble: InjectedFailure | undefined): Promise<void> {
    for (const each of [trouble, undefined]) {
      const invocation = new CrashableInvocation(each);
      const ledger = invocation.wrap('table', this.ledger);
      const work = async () => {
        const records = [...this.ledger.events.values()];
        for (const { event, identity } of records) if (isForged(event)) await ledger.markDistrusted(identity, NOW_MS);
        for (const record of records) expect(await decideAgain(ledger, asRecord(record))).toBe(true);
        return true;
      };
      if (await invocation.run(work).catch(() => undefined)) return;
    }
  }
}

type Contents = Pick<InMemoryLedger, 'statuses' | 'suppressions' | 'withdrawn' | 'events'>;

/** Copies as plain maps, whose changes no one publishes. */
function copyOf({ statuses, suppressions, withdrawn, events }: Contents): Contents {
  const copied = <Item>(items: ReadonlyMap<string, Item>) =>
    new Map([...items].map(([key, item]) => [key, { ...item }] as const));
  return {
    statuses: copied(statuses),
    suppressions: copied(suppressions),
    withdrawn: copied(withdrawn),
    events: copied(events),
  };
}

function putAll<Item>(into: Map<string, Item>, items: ReadonlyMap<string, Item>, isPublished: boolean): void {
  for (const [key, item] of items) {
    if (isPublished) into.set(key, item);
    else Map.prototype.set.call(into, key, item);
  }
}

const isForged = ({ id }: JsonObject) => String(id).startsWith('forged');
const asRecord = (record: StoredRecord) => record as never as Parameters<InMemoryLedger['readOrder']>[0];

const messageIdIn = (key: string) => key.slice('MSG#'.length).split(' ')[0] ?? '';

function rowOf(key: string, item: StatusItem): StatusRow {
  const [partition = '', sort = ''] = key.split(' ');
  return { type: 'status', partition, sort, ...item };
}

function suppressionRow(key: string, item: SuppressionItem, isWithdrawn: boolean): SuppressionRow {
  const [recipient = '', sort = ''] = key.split(' ');
  const [domain = '', kind, scope = ''] = sort.split('#');
  const { sinceMs, lastMs, ...rest } = item;
  return {
    type: 'suppression',
    partition: `SUP#${recipient}`,
    sort,
    recipient,
    domain,
    scope,
    sinceMs,
    lastAtMs: lastMs,
    ...rest,
    kind: kind as SuppressionRow['kind'],
    source: 'event',
    liftedAtMs: isWithdrawn ? sinceMs : null,
    isWithdrawn,
  };
}

/** Returns what a receiver holds of each message. */
function keptByReceiver(published: readonly PublishedDetail[], seed: number) {
  const says = ({ messageId, status, reason, eventKey }: PublishedDetail) => [messageId, { status, reason, eventKey }];
  return Object.fromEntries(
    keptDetails(published, seed)
      .filter(({ status }) => status !== undefined)
      .map(says),
  );
}

/** Returns the suppressions that a receiver holds to be in force. */
function suppressedByReceiver(published: readonly PublishedDetail[], seed: number) {
  return keptDetails(published, seed)
    .filter(({ liftedAt }) => liftedAt === null)
    .map(({ recipient, kind }) => ({ recipient, kind }));
}

function suppressedByTable({ ledger }: CorrectionWorld) {
  return [...ledger.suppressions].map(([key, item]) => {
    const { recipient, kind } = suppressionRow(key, item, false);
    return { recipient, kind };
  });
}

function keptDetails(published: readonly PublishedDetail[], seed: number): PublishedDetail[] {
  const random = createRandom(seed).next;
  const requests = published
    .flatMap((detail) => (random() < 0.3 ? [detail, detail] : [detail]))
    .map((detail) => ({ detail, at: random() }))
    .toSorted((a, b) => a.at - b.at);
  const ids = new Set<string>();
  const kept = new Map<string, PublishedDetail>();
  for (const { detail } of requests) {
    if (ids.has(detail.id)) continue;
    ids.add(detail.id);
    const { order = '' } = kept.get(detail.subject) ?? {};
    if (Buffer.compare(Buffer.from(detail.order), Buffer.from(order)) > 0) kept.set(detail.subject, detail);
  }
  return [...kept.values()];
}

/** Returns what the table holds of each message that was published. */
function heldByTable({ ledger, published }: CorrectionWorld, statuses = ledger.statuses) {
  const messages = new Set(published.map(({ messageId }) => messageId));
  const rows = [...statuses].map(([key, item]) => ({ messageId: messageIdIn(key), item }));
  return Object.fromEntries(
    rows
      .filter(({ messageId, item }) => messages.has(messageId) || item.status !== null)
      .map(({ messageId, item: { status, reason, decidedBy } }) => [
        messageId,
        { status, reason, eventKey: decidedBy },
      ]),
  );
}

const event = fc
  .tuple(fc.constantFrom(...OUTCOME_NAMES), fc.nat(1), fc.nat(2))
  .map(([outcome, message, second]) => lifeEvent(outcome, message, 0, second));
/** The same event with other deciding facts. */
const altered = fc
  .tuple(event, fc.constantFrom<JsonObject>({ timestamp: NOW_MS / 1000 - 1000 }, { reason: 'altered' }))
  .chain(([genuine, over]) =>
    fc.constantFrom(
      { ...genuine, ...over },
      { ...genuine, ...over, ...(genuine.event === 'failed' && { severity: 'permanent', reason: 'suppress-bounce' }) },
    ),
  );
const forged = event.map((each) => ({ ...each, id: `forged-${each.id}` }));
const trouble = injectedFailure(8);
const step = fc.oneof(
  fc.record({ does: fc.constant('store' as const), event: fc.oneof(event, altered, forged), trouble }),
  fc.record({ does: fc.constant('correct' as const), event: fc.oneof(event, altered), trouble }),
  fc.record({ does: fc.constant('distrust' as const), trouble }),
);
/** A failure that was forged into one that suppresses, and is corrected at once. */
const withdrawing = fc
  .tuple(fc.constantFrom('deferred', 'bounced'), fc.nat(1), fc.nat(2), trouble, trouble)
  .map(([outcome, message, second, ...troubles]) => {
    const genuine = { ...lifeEvent(outcome, message, 0, second), severity: 'temporary', reason: 'generic' };
    const forgery = { ...genuine, severity: 'permanent', reason: 'suppress-bounce' };
    return [
      { does: 'store' as const, event: forgery, trouble: troubles[0] },
      { does: 'correct' as const, event: genuine, trouble: troubles[1] },
    ];
  });
const life = fc
  .array(fc.oneof({ weight: 5, arbitrary: step.map((each) => [each]) }, { weight: 1, arbitrary: withdrawing }), {
    minLength: 1,
    maxLength: 14,
  })
  .map((steps) => steps.flat());
const restoring = fc.oneof(
  step,
  fc.record({ does: fc.constant('seal' as const) }),
  fc.record({ does: fc.constant('restore' as const), isLost: fc.boolean(), length: fc.nat(5) }),
);

const recovering = fc.oneof(
  { weight: 6, arbitrary: restoring.map((each) => [each]) },
  { weight: 2, arbitrary: withdrawing },
  { weight: 2, arbitrary: fc.constant([{ does: 'back up' as const }]) },
  {
    weight: 2,
    arbitrary: fc
      .record({ does: fc.constant('recover' as const), isCopied: fc.boolean(), isLate: fc.boolean() })
      .map((each) => [each]),
  },
);

type Step = typeof recovering extends fc.Arbitrary<infer Lists extends readonly unknown[]> ? Lists[number] : never;

async function take(world: CorrectionWorld, steps: readonly Step[]) {
  for (const each of steps) {
    if (each.does === 'distrust') await world.distrust(each.trouble);
    else if (each.does === 'seal') world.seal();
    else if (each.does === 'back up') world.backUp();
    else if (each.does === 'recover') world.recover(each);
    else if (each.does === 'restore') {
      if (each.isLost) world.lose();
      await world.restore(each.length);
    } else await world.store(each.event, each.does === 'correct', each.trouble);
  }
}

test('a receiver ends with the statuses and suppressions that the table holds, in any order of events, corrections and requests', async () => {
  let [corrected, withdrawn] = [0, 0];
  await fc.assert(
    fc.asyncProperty(life, fc.nat(), async (steps, seed) => {
      const world = new CorrectionWorld();
      await take(world, steps);
      const ids = Map.groupBy(world.published, ({ id }) => id);
      // Earlier times of one event that suppresses have one id.
      const facts = ({ since: _since, reason, order, ...rest }: PublishedDetail) =>
        JSON.stringify(rest.kind === undefined ? [rest, reason, order] : rest);
      for (const repeats of ids.values()) expect(new Set(repeats.map(facts)).size).toBe(1);
      expect(keptByReceiver(world.published, seed)).toEqual(heldByTable(world));
      const suppressed = suppressedByReceiver(world.published, seed);
      expect(suppressed).toHaveLength(world.ledger.suppressions.size);
      expect(suppressed).toEqual(expect.arrayContaining(suppressedByTable(world)));
      if (world.published.some(({ kind, liftedAt }) => kind !== undefined && liftedAt !== null)) withdrawn += 1;
      for (const [first] of Map.groupBy(world.published, ({ subject }) => subject).values()) {
        expect(first?.status).not.toBeNull();
      }
      if ([...world.ledger.statuses.values()].some(({ corrections = 0 }) => corrections > 0)) corrected += 1;
    }),
    { numRuns: RUNS },
  );
  expect(corrected).toBeGreaterThan(RUNS / 10);
  expect(withdrawn).toBeGreaterThan(RUNS / 30);
});

test("a receiver holds the table's status of all that changed since it was lost, and else what it held before", async () => {
  let [changed, kept, raised] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(restoring, { minLength: 4, maxLength: 16 }), fc.nat(), async (steps, seed) => {
      const world = new CorrectionWorld();
      await take(world, steps);
      const since = world.changedSinceLoss();
      const [held, before] = [heldByTable(world), heldByTable(world, world.lostStatuses)];
      for (const [messageId, says] of Object.entries(keptByReceiver(world.published, seed))) {
        expect(says).toEqual((since.has(messageId) ? held : before)[messageId]);
        if (world.lostAt > 0 && since.has(messageId)) changed += 1;
        else if (world.lostAt > 0) kept += 1;
      }
      if (steps.some((each) => each.does === 'restore' && !each.isLost)) raised += 1;
    }),
    { numRuns: RUNS },
  );
  for (const count of [changed, kept, raised]) expect(count).toBeGreaterThan(RUNS / 10);
});

test("after a point-in-time restore, receivers hold the table's status and suppressions of all that changed since", async () => {
  let [changed, kept, suppressions] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(recovering, { minLength: 4, maxLength: 18 }), fc.nat(), async (lists, seed) => {
      const world = new CorrectionWorld();
      await take(world, lists.flat());
      const since = world.changedSinceLoss();
      const [held, before] = [heldByTable(world), heldByTable(world, world.lostStatuses)];
      const isRecovered = lists.flat().some(({ does }) => does === 'recover') && world.lostAt > 0;
      for (const [messageId, says] of Object.entries(keptByReceiver(world.published, seed))) {
        expect(says).toEqual((since.has(messageId) ? held : before)[messageId]);
        if (isRecovered && since.has(messageId)) changed += 1;
        else if (isRecovered) kept += 1;
      }
      const later = new Set(world.published.slice(world.lostAt).map(({ subject }) => subject));
      const ofLater = keptDetails(world.published, seed).filter(({ subject, kind }) => kind && later.has(subject));
      for (const { recipient, kind, liftedAt } of ofLater) {
        const isInForce = suppressedByTable(world).some((each) => each.recipient === recipient && each.kind === kind);
        expect({ recipient, kind, isInForce }).toEqual({ recipient, kind, isInForce: liftedAt === null });
        if (isRecovered) suppressions += 1;
      }
    }),
    { numRuns: RUNS },
  );
  for (const count of [changed, kept, suppressions]) expect(count).toBeGreaterThan(RUNS / 20);
});

test('after a restore, receivers hold later changes of what was corrected, also after a second one', async () => {
  const world = new CorrectionWorld();
  const failure = lifeEvent('bounced', 0, 0, 1);
  await world.store({ ...failure, reason: 'forged' }, false, undefined);
  await world.store({ ...failure, reason: 'first' }, true, undefined);
  for (const outcome of ['complained', 'bounced'] as const) {
    world.seal();
    world.lose();
    await world.restore(9);
    await world.store(lifeEvent('complained', 0, 0, 2), outcome === 'bounced', undefined);
    expect(Object.values(keptByReceiver(world.published, 1))).toMatchObject([{ status: 'COMPLAINED' }]);
  }
});

test('a correction that changes nothing is not published, however often it comes', async () => {
  const world = new CorrectionWorld();
  const life = (['delivered', 'bounced', 'opened'] as const).map((outcome, second) => lifeEvent(outcome, 0, 0, second));
  for (const each of life) await world.store(each, false, undefined);
  const before = world.published.length;
  const [, , opened = {}] = life;
  for (let repeats = 0; repeats < 3; repeats += 1) {
    await world.store({ ...opened, timestamp: Number(opened.timestamp) - 1 }, true, undefined);
  }

  expect(world.ledger.corrected).toBe(3);
  expect(world.published).toHaveLength(before);
});

test('an unsubscribe alone is never published as a status, however often it is corrected; what follows is', async () => {
  const world = new CorrectionWorld();
  const unsubscribe = lifeEvent('unsubscribed', 0, 0, 0);
  await world.store({ ...unsubscribe, timestamp: NOW_MS / 1000 - 1000 }, false, undefined);
  for (const secondsAgo of [2000, 500]) {
    await world.store({ ...unsubscribe, timestamp: NOW_MS / 1000 - secondsAgo }, true, undefined);
  }
  expect(world.ledger.corrected).toBe(2);
  expect(keptByReceiver(world.published, 1)).toEqual({});

  await world.store({ ...lifeEvent('delivered', 0, 0, 1) }, false, undefined);
  expect(Object.values(keptByReceiver(world.published, 1))).toMatchObject([{ status: 'DELIVERED' }]);
});

test('a later genuine event wins after two corrections, and an earlier one of less weight does not', async () => {
  const world = new CorrectionWorld();
  const failure = lifeEvent('bounced', 0, 0, 2);
  await world.store(lifeEvent('accepted', 0, 0, 0), false, undefined);
  await world.store({ ...failure, reason: 'forged' }, false, undefined);
  await world.store({ ...failure, reason: 'first' }, true, undefined);
  await world.store({ ...failure, severity: 'temporary', reason: 'second' }, true, undefined);
  expect(Object.values(keptByReceiver(world.published, 1))).toMatchObject([{ status: 'DEFERRED' }]);

  await world.store(lifeEvent('delivered', 0, 0, 3), false, undefined);
  expect(Object.values(keptByReceiver(world.published, 2))).toMatchObject([{ status: 'DELIVERED' }]);
  await world.store(lifeEvent('opened', 0, 0, 4), false, undefined);
  expect(Object.values(keptByReceiver(world.published, 3))).toMatchObject([{ status: 'DELIVERED' }]);
  await world.store(lifeEvent('complained', 0, 0, 5), false, undefined);
  expect(Object.values(keptByReceiver(world.published, 4))).toMatchObject([{ status: 'COMPLAINED' }]);
});
