import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Deployment } from '../../../../cli/target/types.ts';
import { createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import { createLeaseRepository } from '../../../../lambdas/adapters/table/lease-repository.ts';
import { createSliceRepository } from '../../../../lambdas/adapters/table/slice-repository.ts';
import { chainHeadKey, SEAL_LEASE_KEY } from '../../../../lambdas/domain/keys.ts';
import { emptyTally, slicePassed } from '../../../../lambdas/domain/ledger/tally.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { SLICE_SECONDS, SLICE_START } from '../../../support/archive/archive.ts';
import { type S3Bucket, startS3Bucket } from '../../../support/archive/s3-bucket.ts';
import { archiveIn, createTableSeal } from '../../../support/archive/table-seal.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { giveUpLine } from '../../../support/cli/json-lines/give-up-archive.ts';
import { crashableInvocations, type InjectedFailure } from '../../../support/doubles/crashable-invocation.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// The bucket of an archive is lost: an operator says so, whatever interrupts that, and seal begins again in another.

const LATER_MS = (SLICE_START + 3 * 86_400) * 1000;
const EVENTS = 3;

let engines: TestEngines;
let buckets: S3Bucket[];

beforeAll(async () => {
  engines = await startTestEngines();
  buckets = await Promise.all(['lost', 'new'].map(startS3Bucket));
  const store = createProcess({
    ...LONE_PROCESS,
    records: createEventRepository(engines.table),
    retentionDays: 400,
    stragglers: { ledgerStart: async () => SLICE_START, note: async () => {} },
  });
  for (let nth = 0; nth < EVENTS; nth += 1) {
    const event = deliveredEvent({ id: `id-${nth}`, timestamp: SLICE_START + nth });
    await store({ source: 'webhook', domain: DOMAIN, event, receivedAt: (SLICE_START + nth) * 1000 });
  }
  const tally = { ...emptyTally(), listed: { delivered: EVENTS }, stored: { delivered: EVENTS } };
  const passed = { startedAtMs: LATER_MS - 1, nowMs: LATER_MS - 86_400_000, unlisted: false, isOld: true };
  const bounds = { domain: DOMAIN, start: SLICE_START, end: SLICE_START + SLICE_SECONDS };
  await createSliceRepository(engines.table).write(slicePassed(bounds, undefined, tally, passed), undefined);
}, 90_000);
afterAll(() => Promise.all([engines?.close(), ...(buckets ?? []).map((bucket) => bucket.close())]));

const sealTo = (bucket: S3Bucket) => createTableSeal(engines, archiveIn(bucket), LATER_MS)();

/** Returns the sort keys of what the table says of the domain's archive. */
async function chainItems(): Promise<Record<string, unknown>[]> {
  const { client, name } = engines.table;
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: name,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': chainHeadKey(DOMAIN).pk },
    }),
  );
  return Items;
}

async function giveUp(bucket: S3Bucket | undefined, ...more: string[]) {
  const outputs: Record<string, string> = bucket === undefined ? {} : { ArchiveBucketName: bucket.bucket.name };
  const deployment = stubDeployment({
    // The stack no longer names the domain.
    domains: ['other.example.com'],
    clients: { table: engines.table.client, archive: bucket?.bucket.client } as unknown as Deployment['clients'],
    output: (name) => outputs[name] ?? engines.output(name),
  });
  const args = ['give-up-archive', '--local', '--reason', 'deleted by hand', ...more];
  const run = (format: string[]) =>
    runCommand([...args, ...format], { openDeployment: async () => deployment, now: () => LATER_MS });
  const { exitCode, json } = await run(['--json']);
  return { exitCode, lines: json(), text: more.includes('--plan') ? (await run([])).lines : [] };
}

const eventsOf = (lines: readonly unknown[]) => lines.map((line) => giveUpLine.parse(line).event);

test('an archive is given up with a reason, wherever the command is cut short, and seal begins again in another', async () => {
  const [lost, other] = buckets as [S3Bucket, S3Bucket];
  expect(await sealTo(lost)).toMatchObject({ sealed: 1, rows: EVENTS });
  expect(await sealTo(other)).toMatchObject({ sealed: 0 });
  const before = await chainItems();

  const reached = await giveUp(lost, '--yes');
  expect([reached.exitCode, eventsOf(reached.lines)]).toEqual([0, ['nothing-to-give-up']]);
  const plan = await giveUp(other, '--plan');
  expect([plan.exitCode, eventsOf(plan.lines)]).toEqual([0, ['unreached', 'plan']]);
  expect(plan.text.at(-1)).toBe('Plan: nothing was changed; 1 chain would be forgotten.');
  expect((await giveUp(undefined)).exitCode).toBe(2);
  await createLeaseRepository(engines.table, SEAL_LEASE_KEY).hold('seal', LATER_MS, LATER_MS + 60_000);
  expect((await giveUp(other, '--yes')).exitCode).toBe(1);
  await createLeaseRepository(engines.table, SEAL_LEASE_KEY).release('seal');
  expect(await chainItems()).toEqual(before);

  const invoke = crashableInvocations([engines.dynamodb]);
  for (let call = 0, isCut = true; isCut; call += 1) {
    const trouble: InjectedFailure = { call, kind: 'crash', moment: 'before' };
    const { result } = await invoke(() => giveUp(other, '--yes'), trouble);
    isCut = result === undefined;
    // The lease of a run that was cut short ends by itself.
    await createLeaseRepository(engines.table, SEAL_LEASE_KEY).hold('seal', LATER_MS + 600_000, LATER_MS + 600_000);
    await createLeaseRepository(engines.table, SEAL_LEASE_KEY).release('seal');
  }
  expect(await chainItems()).toMatchObject([{ sequence: 1, reason: 'deleted by hand', givenUpAt: LATER_MS }]);
  expect(await sealTo(other)).toMatchObject({ sealed: 1, rows: EVENTS });
}, 60_000);
