import { setTimeout as sleep } from 'node:timers/promises';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { Deployment } from '../../../../cli/target/types.ts';
import { EVENTS_PREFIX } from '../../../../lambdas/domain/archive/object-keys.ts';
import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import { startArchiveStack } from '../../../support/archive/archive-stack.ts';
import { runCommand } from '../../../support/cli/command-line.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// What comes in for a slice that is sealed, on the running stack: another object and manifest, and nothing rewritten.

let stack: LocalStack;
let deployment: Deployment;
beforeAll(async () => {
  ({ stack, deployment } = await startArchiveStack());
}, 90_000);
afterAll(() => stack?.stop());

/** Stores an event that Mailgun lists too, and seals until its row is in the archive. */
async function storeAndSeal(event: ReturnType<typeof deliveredEvent>): Promise<void> {
  stack.list([event] as never);
  expect(await postWebhook(stack, event)).toBe(200);
  await drained(stack);
  for (let rows = 0; rows < 1; await sleep(200)) {
    while (!(await stack.reconcile()).done) await sleep(100);
    rows = (await stack.seal())?.rows ?? 0;
  }
}

async function objects(): Promise<{ key: string; tag: string | undefined }[]> {
  const Bucket = deployment.output('ArchiveBucketName');
  const { Contents = [] } = await deployment.clients.archive.send(
    new ListObjectsV2Command({ Bucket, Prefix: EVENTS_PREFIX }),
  );
  return Contents.map(({ Key = '', ETag }) => ({ key: Key, tag: ETag }));
}

/** Returns the slice that a second lies in; slices of the stack last one second, but for the first of the ledger. */
async function sliceOf(second: number): Promise<{ start: number; end: number }> {
  const url = `${stack.ready.apiUrl}/mailgun/ledger?domain=${DOMAIN}&from=${second - 60}&to=${second + 60}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${stack.ready.apiToken}` } });
  const { slices } = (await response.json()) as { slices: { start: number; end: number }[] };
  const found = slices.find(({ start, end }) => start <= second && second < end);
  if (found === undefined) throw new Error(`no slice holds ${second}`);
  return found;
}

test('an event that comes in for a sealed slice is sealed in a supplement, and earlier certificates hold', async () => {
  const second = Math.floor(Date.now() / 1000);
  const eventAt = (id: string, timestamp: number) => deliveredEvent({ id, timestamp, recipient: `${id}@example.org` });
  await storeAndSeal(eventAt('first', second + 0.25));
  const { start, end } = await sliceOf(second);
  const range = ['--from', String(start), '--to', String(end)];
  const prove = async () => {
    const { exitCode, lines } = await runCommand(['prove', '--local', ...range], over);
    expect(exitCode).toBe(0);
    return lines[0] ?? '';
  };
  const verify = async (certificate: string) => {
    const args = ['verify', '-', '--archive', stack.ready.archiveUrl ?? '', '--json'];
    const { exitCode, json } = await runCommand(args, { ...over, readInput: async () => certificate });
    return { exitCode, archive: json().find(({ event }) => event === 'archive') };
  };
  const over = { openDeployment: async () => deployment, sleep: async () => {} };
  const [before, sealed] = [await prove(), await objects()];
  expect(sealed.map(({ key }) => key)).toEqual([expect.stringMatching(new RegExp(`/${start}-0\\.parquet$`))]);

  await storeAndSeal(eventAt('straggler', second + 0.75));

  expect(await objects()).toEqual([
    ...sealed,
    { key: expect.stringMatching(`/${start}-1.parquet`), tag: expect.any(String) },
  ]);
  expect(await verify(before)).toMatchObject({ exitCode: 0, archive: { rows: 1 } });
  expect(await verify(await prove())).toMatchObject({ exitCode: 0, archive: { rows: 2 } });
  const exported = await runCommand(['export', '--local', ...range, '--format', 'ndjson', '--type', 'delivered'], over);
  expect(exported.json().map(({ key }) => key)).toEqual(['delivered#first', 'delivered#straggler']);
}, 120_000);
