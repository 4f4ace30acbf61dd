import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { BatchWriteCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { readErasureKey } from '../../../../cli/access.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { createDomainRepository } from '../../../../lambdas/adapters/table/domain-repository.ts';
import { createErasureRepository, createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import { createSliceRepository } from '../../../../lambdas/adapters/table/slice-repository.ts';
import { decodeQueueMessage, type QueueMessage } from '../../../../lambdas/domain/events/queue-message.ts';
import { type ItemKey, keyPart, markerKey } from '../../../../lambdas/domain/keys.ts';
import { emptyTally, slicePassed } from '../../../../lambdas/domain/ledger/tally.ts';
import { erasureHash } from '../../../../lambdas/domain/recipients/erasure.ts';
import { unpackEvent } from '../../../../lambdas/formats/packed-event.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { SLICE_SECONDS, SLICE_START } from '../../../support/archive/archive.ts';
import { type S3Bucket, startS3Bucket } from '../../../support/archive/s3-bucket.ts';
import { archiveIn, createTableSeal } from '../../../support/archive/table-seal.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { crashableInvocations, type InjectedFailure } from '../../../support/doubles/crashable-invocation.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// A table that lost everything is restored by a command that is interrupted at each of its calls and run again.

const LATER_MS = (SLICE_START + 3 * 86_400) * 1000;
const ERASED = 'gone@example.org';
const EVENTS = [
  { event: 'accepted', recipient: 'one@example.org' },
  {
    event: 'failed',
    severity: 'permanent',
    reason: 'bounce',
    recipient: 'one@example.org',
    'delivery-status': { code: 550 },
  },
  { event: 'delivered', recipient: 'two@example.org' },
  { event: 'complained', recipient: ERASED },
];
const RANGE = ['--from', String(SLICE_START), '--to', String(SLICE_START + SLICE_SECONDS)];
const WRITES = /^(Put|Update|Send|Delete|BatchWrite)/;

let engines: TestEngines;
let s3: S3Bucket;
let deployment: Deployment;
let store: (message: QueueMessage) => Promise<unknown>;
let invoke: ReturnType<typeof crashableInvocations>;
let before: unknown[];
let nowMs = SLICE_START * 1000;

beforeAll(async () => {
  [engines, s3] = await Promise.all([startTestEngines(), startS3Bucket('archive')]);
  const { table, queues, secrets } = engines;
  const outputs: Record<string, string> = { ArchiveBucketName: s3.bucket.name };
  deployment = stubDeployment({
    clients: { queues, secrets, table: table.client, archive: s3.bucket.client } as unknown as Deployment['clients'],
    output: (name) => outputs[name] ?? engines.output(name),
  });
  const secret = await readErasureKey(deployment);
  const erasureKey = { read: async () => secret };
  const erasures = createErasureRepository(table, erasureKey);
  store = createProcess({
    ...LONE_PROCESS,
    records: createEventRepository(table),
    erasures,
    erasureKey,
    retentionDays: 400,
    now: () => nowMs,
    stragglers: { ledgerStart: async () => SLICE_START, note: async () => {} },
  });
  const marker = { ...markerKey(erasureHash(secret, ERASED)), markedAt: LATER_MS };
  await table.client.send(new PutCommand({ TableName: table.name, Item: marker }));
  for (const [nth, over] of EVENTS.entries()) {
    const at = SLICE_START + nth;
    const message = { headers: { 'message-id': `restored@${DOMAIN}` } };
    const event = deliveredEvent({ id: `id-${nth}`, timestamp: at, tags: ['spring'], message, ...over });
    await store({ source: 'webhook', domain: DOMAIN, event, receivedAt: at * 1000 + 900 });
  }
  const counts = Object.fromEntries(EVENTS.map(({ event }) => [event, 1]));
  const tally = { ...emptyTally(), listed: counts, stored: counts, tags: { spring: counts } };
  const passed = { startedAtMs: LATER_MS - 1, nowMs: LATER_MS - 86_400_000, unlisted: false, isOld: true };
  const bounds = { domain: DOMAIN, start: SLICE_START, end: SLICE_START + SLICE_SECONDS };
  await createSliceRepository(table).write(slicePassed(bounds, undefined, tally, passed), undefined);
  expect(await createTableSeal(engines, archiveIn(s3), LATER_MS, { erasureKey })()).toMatchObject({
    sealed: 1,
    rows: 4,
  });
  before = await everything();
  nowMs = LATER_MS;
  invoke = crashableInvocations([engines.dynamodb, queues, secrets, s3.bucket.client]);
}, 90_000);
afterAll(() => Promise.all([engines?.close(), s3?.close()]));

async function scanAll() {
  const { name, client } = engines.table;
  const { Items = [] } = await client.send(new ScanCommand({ TableName: name, ConsistentRead: true }));
  return Items as { pk: string; sk: string }[];
}

const sortKey = ({ pk, sk }: Record<string, unknown>) => `${pk} ${sk}`;

/** Returns the table's whole content, without the marks of restored items and the state of sealing. */
async function everything(): Promise<unknown[]> {
  const items = (await scanAll()).filter(({ pk }) => !/^(SEAL|LEDGER)/.test(pk));
  return items
    .map(({ restored: _restored, raw, tags, dimensions, ...item }: ItemKey & Record<string, unknown>) => ({
      ...item,
      // Restored events have their fields in another order.
      ...(raw instanceof Uint8Array && { raw: unpackEvent(raw, item) }),
      ...(typeof tags === 'string' && { tags: JSON.parse(tags), dimensions: JSON.parse(String(dimensions)) }),
    }))
    .toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

async function deleteEverything(): Promise<void> {
  const { name, client } = engines.table;
  const keys = (await scanAll()).map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } }));
  if (keys.length > 0) await client.send(new BatchWriteCommand({ RequestItems: { [name]: keys } }));
}

const run = (target: Deployment, ...more: string[]) =>
  runCommand(['replay', '--local', '--from-archive', ...RANGE, '--json', ...more], {
    openDeployment: async () => target,
    now: () => LATER_MS,
  });

const restore = (trouble?: InjectedFailure) => invoke(() => run(deployment), trouble);

/** Processes all queued messages. */
async function drain(): Promise<void> {
  const QueueUrl = engines.output('QueueUrl');
  for (;;) {
    const { Messages = [] } = await engines.queues.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
    );
    if (Messages.length === 0) return;
    for (const { Body = '', ReceiptHandle } of Messages) {
      const decoded = decodeQueueMessage(Body);
      if (!decoded.ok) throw new Error(decoded.reason);
      await store(decoded.message);
      await engines.queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

test('a restore interrupted at any call continues in the next run, and the table is as before the loss', async () => {
  await deleteEverything();
  const { result, points } = await restore();
  expect(result?.json().at(-1)).toMatchObject({ event: 'restored', complete: true, sent: 4, slices: 1, markers: 1 });
  await drain();
  expect(await everything()).toEqual(before);
  expect(points.filter((point) => WRITES.test(point))).toHaveLength(7);
  // A crash after a read equals one before the next call.
  const troubles = points.flatMap((point, call) =>
    (['before', 'committed'] as const)
      .filter((moment) => moment === 'before' || WRITES.test(point))
      .map((moment): InjectedFailure => ({ call, kind: 'crash', moment })),
  );

  for (const trouble of troubles) {
    await deleteEverything();
    expect((await restore(trouble)).result).toBeUndefined();
    await drain();

    const again = await restore();
    await drain();

    expect(again.result?.json().at(-1)).toMatchObject({ event: 'restored', complete: true, events: 4 });
    expect(await everything()).toEqual(before);
  }
}, 120_000);

test('a restore by another erasure key than that of the archive writes nothing at all', async () => {
  await deleteEverything();
  const secrets = { send: async () => ({ SecretString: 'f'.repeat(64) }) };
  const target = { ...deployment, clients: { ...deployment.clients, secrets: secrets as never } };

  const refused = await run(target);

  expect(refused.exitCode).toBe(1);
  expect(refused.json()).toMatchObject([{ event: 'error', message: expect.stringContaining('under another one') }]);
  expect(await scanAll()).toEqual([]);
});

test('a restore brings back domains that only the lost table knew, and makes them readable', async () => {
  await deleteEverything();
  // Keys hold only the hash of a name that is too long for them.
  const long = `${'long.'.repeat(45)}example.com`;
  const record = { domain: long, start: SLICE_START, end: SLICE_START + SLICE_SECONDS };
  const put = (key: string, value: object) => s3.objects.set(key, Buffer.from(JSON.stringify(value)));
  put(`manifests/domain=${keyPart(long)}/0000000000001.json`, {});
  put(`slices/domain=${keyPart(long)}/day=2000-01-01/946684800-0.json`, record);
  const without = { ...deployment, domains: ['other.example.com'] };

  expect((await run(without, '--domain', long, '--plan')).exitCode).toBe(0);
  expect((await run(without, '--domain', DOMAIN, '--plan')).json().at(-1)).toMatchObject({ event: 'plan', sent: 4 });
  const whole = await run(without);
  expect(whole.json().at(-1)).toMatchObject({ event: 'restored', complete: true, sent: 4, slices: 1 });
  await drain();
  expect(await everything()).toEqual(before);
  const known = await createDomainRepository(engines.table).read();
  expect(known.domains).toMatchObject([{ name: DOMAIN, goneAt: SLICE_START + SLICE_SECONDS }]);

  const wrong = await run(without, '--domain', 'never.example.com');
  expect(wrong.exitCode).toBe(2);
  expect(wrong.json()).toMatchObject([{ event: 'error', message: expect.stringContaining('nor in its archive') }]);
}, 60_000);
