import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { DuckDBInstance } from '@duckdb/node-api';
import { z } from 'zod';
import type { Deployment } from '../../../../cli/target/types.ts';
import { createManifestBucket } from '../../../../lambdas/adapters/archive/archive-objects.ts';
import type { ArchiveRow } from '../../../../lambdas/domain/archive/archive-row.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import type { JsonObject } from '../../../../lambdas/domain/json.ts';
import { openParquetWriter, readParquet } from '../../../../lambdas/formats/parquet.ts';
import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import { startArchiveStack } from '../../../support/archive/archive-stack.ts';
import { runCommand } from '../../../support/cli/command-line.ts';
import { doctorLine } from '../../../support/cli/json-lines/doctor.ts';
import { exportLine } from '../../../support/cli/json-lines/export.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// The archive as deployed: sealed by the bundle, signed by the key, erased and verified by commands.

const EVENTS = 6;

let stack: LocalStack;
let deployment: Deployment;
let range: string[];

beforeAll(async () => {
  ({ stack, deployment } = await startArchiveStack());
  const events = Array.from({ length: EVENTS }, (_, nth) =>
    deliveredEvent({ id: `id-${nth}`, timestamp: Date.now() / 1000, recipient: `reader-${nth}@example.org` }),
  );
  stack.list(events as never);
  for (const event of events) expect(await postWebhook(stack, event)).toBe(200);
  await drained(stack);
  await sleep(2500);
  while (!(await stack.reconcile()).done) await sleep(100);
  const now = Math.ceil(Date.now() / 1000);
  const url = `${stack.ready.apiUrl}/mailgun/ledger?domain=${DOMAIN}&from=${now - 600}&to=${now}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${stack.ready.apiToken}` } });
  const listed = (await response.json()) as { slices: { start: number; end: number; state: string }[] };
  // The newest are not due yet.
  const slices = listed.slices.filter(({ state }) => state === 'settled');
  const [from, to] = [Math.min(...slices.map(({ start }) => start)), Math.max(...slices.map(({ end }) => end))];
  range = ['--from', String(from), '--to', String(to)];
}, 90_000);
afterAll(() => stack?.stop());

function run(args: readonly string[], readInput = async () => '') {
  return runCommand(args, { openDeployment: async () => deployment, sleep: async () => {}, readInput });
}

async function certificate(): Promise<string> {
  const { lines, errors } = await run(['prove', '--local', ...range]);
  expect([lines.length, errors.join()]).toEqual([1, expect.stringContaining('complete')]);
  return lines[0] ?? '';
}

async function verify(text: string) {
  const args = ['verify', '-', '--archive', stack.ready.archiveUrl ?? '', '--json'];
  const { exitCode, json } = await run(args, async () => text);
  const lines = json() as { event: string; where?: string; what?: string }[];
  return { exitCode, lines, faults: lines.filter(({ event }) => event === 'fault') };
}

test('the local stack seals compared slices, and the certificate says complete before and after an erasure', async () => {
  const sealed = await stack.seal();
  expect(sealed).toMatchObject({ rows: EVENTS, done: true });
  expect(await stack.seal()).toMatchObject({ sealed: 0, rows: 0 });
  const before = await certificate();
  expect(await verify(before)).toMatchObject({ exitCode: 0, faults: [] });

  const erased = await run(['erase', 'reader-2@example.org', '--local', '--yes', '--json']);

  expect(erased.exitCode).toBe(0);
  expect(erased.json()).toContainEqual(expect.objectContaining({ event: 'archive', rewritten: 1, rows: 1, faults: 0 }));
  for (const text of [before, await certificate()]) {
    const { exitCode, faults, lines } = await verify(text);
    expect([exitCode, faults]).toEqual([0, []]);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'archive', rows: EVENTS, erased: 1 }));
  }
}, 60_000);

test("doctor prints the signing key's fingerprint, which verify compares", async () => {
  const { json } = await run(['doctor', '--local', '--json']);
  const check = z
    .array(doctorLine)
    .parse(json())
    .find(({ check: name }) => name === 'key of certificates');
  const [fingerprint = ''] = check?.says.split(';') ?? [];
  const text = await certificate();
  const verified = (key: string) => run(['verify', '-', '--key', key, '--json'], async () => text);

  expect([check?.state, (await verified(fingerprint)).exitCode]).toEqual(['ok', 0]);
  expect(
    (await verified(fingerprint.toUpperCase().replace(/^./, (digit) => (digit === '0' ? '1' : '0')))).exitCode,
  ).toBe(1);
}, 60_000);

test('export reads table and archive as one, without the erased recipient', async () => {
  const events = async () => {
    const { exitCode, json } = await run(['export', '--local', ...range, '--format', 'ndjson', '--type', 'delivered']);
    expect(exitCode).toBe(0);
    return json() as { key: string; recipient: string | null; event: JsonObject | null }[];
  };
  const before = await events();
  expect(new Set(before.map(({ key }) => key)).size).toBe(EVENTS);
  expect(before.filter(({ recipient, event }) => recipient === null && event === null)).toHaveLength(1);
  expect(JSON.stringify(before)).not.toContain('reader-2@');

  const [lost] = before.filter(({ event }) => event !== null);
  const { partition: pk, eventSort: sk } = identify(lost?.event ?? {}, DOMAIN);
  const TableName = deployment.output('TableName');
  await deployment.clients.table.send(new DeleteCommand({ TableName, Key: { pk, sk } }));

  expect(await events()).toEqual(before);
  const out = mkdtempSync(join(tmpdir(), 'export-'));
  const folder = join(out, 'events');
  const whole = await run(['export', '--local', ...range, '--format', 'parquet', '--out', folder, '--json']);
  const again = await run(['export', '--local', '--out', folder, '--json']);
  const other = await run(['export', '--local', ...range, '--out', folder]);
  expect([whole.exitCode, again.exitCode, other.exitCode]).toEqual([0, 0, 2]);
  for (const { json } of [whole, again]) {
    const last = z.array(exportLine).parse(json()).at(-1);
    expect(last).toMatchObject({ event: 'exported', complete: true, events: EVENTS });
  }
  const duckdb = await (await DuckDBInstance.create()).connect();
  const read = await duckdb.runAndReadAll(`SELECT key, recipient FROM '${folder}/*/*.parquet' ORDER BY time, key`);
  const byTime = (rows: { key: string; recipient: string | null }[]) =>
    rows.map(({ key, recipient }) => [key, recipient]);
  expect(read.getRowObjects().map(Object.values).toSorted()).toEqual(byTime(before).toSorted());
  rmSync(out, { recursive: true });
}, 60_000);

test('a sealed object cannot be put again, and a modified one is named', async () => {
  const { archive } = deployment.clients;
  const Bucket = deployment.output('ArchiveBucketName');
  const signed = await certificate();
  const { chain } = JSON.parse(signed).certificate.domains[0];
  const { key } = chain.find(({ object }: { object: unknown }) => object !== null).object;
  const bucket = createManifestBucket({ client: archive, name: Bucket });
  expect(await bucket.putTextIfAbsent(key, 'another')).toBe(false);
  expect(await verify(signed)).toMatchObject({ exitCode: 0 });

  const path = join(tmpdir(), `archive-${process.pid}.parquet`);
  writeFileSync(path, Buffer.from(await (await fetch(`${stack.ready.archiveUrl}/${key}`)).arrayBuffer()));
  const rows: ArchiveRow[] = [];
  for await (const group of readParquet(path)) rows.push(...group);
  const writer = openParquetWriter(path);
  writer.add(rows.map((row) => ({ ...row, event: row.event?.replace('250', '251') ?? null })));
  writer.end();
  await archive.send(new PutObjectCommand({ Bucket, Key: key, Body: readFileSync(path) }));
  writer.remove();

  const { exitCode, faults } = await verify(signed);
  expect(exitCode).toBe(1);
  expect(faults.map(({ where }) => where)).toContain(key);
  expect(faults.map(({ what }) => what)).toContain('holds another event than was committed to');
}, 60_000);
