import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReconciliationStateRepository } from '../../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { PROMPTLY_MS } from '../../../../lambdas/domain/events/stored-time.ts';
import { type Bundles, makeBundles } from '../../../../tools/bench/functions/bundles.ts';
import { usageBetween } from '../../../../tools/bench/functions/handler-cpu.ts';
import { startHandler } from '../../../../tools/bench/functions/handler-process.ts';
import { measureStorage, type StorageFigures } from '../../../../tools/bench/ledger/storage.ts';
import { countUndisturbed, DisturbedCountError } from '../../../../tools/bench/undisturbed.ts';
import { environmentFor, gatewayEvent, queueEvent } from '../../../../tools/bench/webhooks.ts';
import type { Usage } from '../../../../tools/local-stack/aws/usage.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import type { EventData, Moment } from '../../../../tools/mailgun-twin/traffic/event-parts.ts';
import * as made from '../../../../tools/mailgun-twin/traffic/events.ts';
import { DOMAIN, KEY } from '../../../support/fixtures/webhooks.ts';
import type { TestEngines } from '../../../support/stacks/engines.ts';

// Limits of tools/bench/budget.json: bundles up to a size, calls and units exactly. A change that costs more or less
// must change the file, where it is visible.

interface Spent {
  readonly calls: Readonly<Record<string, number>>;
  readonly writeUnits: number;
  readonly readUnits: number;
}

interface Passed {
  readonly ingest: Spent;
  readonly process: Spent;
}

interface Budget {
  readonly bundleBytes: Readonly<Record<string, number>>;
  /** Ten webhooks of ten messages, stored as one batch, in the order of this file. */
  readonly tenWebhooks: Readonly<Record<string, Passed>>;
  /** Table units and bucket requests. */
  readonly sealing: Pick<StorageFigures['sealing'], 'perSlice' | 'perRun'>;
}

const BUDGET: Budget = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../tools/bench/budget.json'), 'utf8'),
);
const DEPLOYED = ['ingest', 'process', 'reconcile', 'readApi', 'publish', 'deliver', 'seal'] as const;
const MESSAGES = 10;
const SEALED_EVENTS = 100;

const random = createRandom(1);
const moments = Array.from(
  { length: MESSAGES },
  (_, nth): Moment => ({
    mail: {
      domain: DOMAIN,
      messageId: `budget.${nth}@${DOMAIN}`,
      from: `hello@${DOMAIN}`,
      to: [`reader-${nth}@north.example`],
      subject: 'Your order is on its way',
      tags: ['receipts'],
    },
    recipient: `reader-${nth}@north.example`,
    epochMs: Date.now(),
    random,
  }),
);
const once = (build: (moment: Moment) => EventData) => {
  const events = moments.map(build);
  return () => events;
};
const delivered = once(made.delivered);

const anHourBefore = Math.floor(Date.now() / 1000) - 3600;
const LEDGER = { start: anHourBefore, position: anHourBefore, second: anHourBefore };

/** In the order of a message's life. */
const STEPS: [name: string, events: () => EventData[]][] = [
  ['accepted', once(made.accepted)],
  ['deferred', once(made.deferred(1, 600))],
  ['delivered', delivered],
  ['delivered, signed again', delivered],
  ['opened', once(made.opened())],
  ['clicked', once(made.clicked())],
  ['bounced', once(made.bounced)],
  ['complained', once(made.complained)],
  ['unsubscribed', once(made.unsubscribed('*'))],
];

let folder: string;
let bundles: Bundles;
let spentAtStep: Map<string, Passed>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-budget-'));
  bundles = makeBundles(folder);
  spentAtStep = await countUndisturbed(liveThrough);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Returns the cost of each step for ten messages, in sequence. */
async function liveThrough(engines: TestEngines): Promise<Map<string, Passed>> {
  await engines.putKeys({ current: KEY });
  // The ledger has begun, as in production: before, events more than a minute old are recorded.
  await createReconciliationStateRepository(engines.table).moveWatermarks(DOMAIN, LEDGER, undefined);
  const ingest = await startHandler(bundles.ingest, environmentFor(engines));
  const process = await startHandler(bundles.process, environmentFor(engines));
  const life = new Map<string, Passed>();
  try {
    // Secrets and the first webhook are recorded once, not for every batch.
    const first = { ...moments[0]!, mail: { ...moments[0]!.mail, messageId: `first@${DOMAIN}` } };
    await pass([made.accepted(first)]);
    for (const [name, events] of STEPS) life.set(name, await pass(events()));
    return life;
  } finally {
    ingest.stop();
    process.stop();
  }

  /** Ingests webhooks, and stores their events in one batch. */
  async function pass(events: readonly EventData[]): Promise<Passed> {
    const begunMs = Date.now();
    const start = engines.usage.total();
    const replies = await ingest.run(events.map(gatewayEvent));
    expect(replies.returned).toEqual(events.map(() => expect.objectContaining({ statusCode: 200 })));
    const taken = engines.usage.total();
    const batch = await queueEvent(engines);
    const received = engines.usage.total();
    expect((await process.run([batch])).returned).toEqual([{ batchItemFailures: [] }]);
    // An event that is stored later has the time of that besides, which may cost it one more unit.
    if (Date.now() - begunMs > PROMPTLY_MS) throw new DisturbedCountError('a batch was stored too late');
    return { ingest: spent(start, taken), process: spent(received, engines.usage.total()) };
  }
}

function spent(before: Usage, after: Usage): Spent {
  const { calls, capacity } = usageBetween(before, after);
  return { calls, writeUnits: capacity.write, readUnits: capacity.read };
}

describe('the budget of calls and units', () => {
  test.each(STEPS)('holds for ten webhooks: %s', (name) => {
    expect({ [name]: spentAtStep.get(name) }).toEqual({ [name]: BUDGET.tenWebhooks[name] });
  });

  test('holds for a sealed slice, and a run without one', async () => {
    expect((await measureStorage(SEALED_EVENTS)).sealing).toMatchObject(BUDGET.sealing);
  }, 300_000);

  test('names no other case', () => {
    expect(Object.keys(BUDGET.tenWebhooks)).toEqual(STEPS.map(([name]) => name));
  });
});

describe('bundles', () => {
  test.each(DEPLOYED)('of %s are within their budget', (name) => {
    expect(statSync(bundles[name]).size).toBeLessThanOrEqual(BUDGET.bundleBytes[name] ?? 0);
  });
});
