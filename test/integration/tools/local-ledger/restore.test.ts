import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWriteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Deployment } from '../../../../cli/target/types.ts';
import { messagePartition } from '../../../../lambdas/domain/keys.ts';
import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import { QUICK, startArchiveStack } from '../../../support/archive/archive-stack.ts';
import { runCommand, withoutOutput } from '../../../support/cli/command-line.ts';
import { restoreLine } from '../../../support/cli/json-lines/replay.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// The table loses everything, and the sealed data comes back through the queue, by the command.

const ERASED = 'reader-0@example.org';
const MESSAGES = [0, 1, 2, 3].map((nth) => ({
  id: `restored-${nth}@${DOMAIN}`,
  recipient: `reader-${nth}@example.org`,
}));
const TYPES = [
  { event: 'accepted' },
  { event: 'failed', severity: 'permanent', reason: 'bounce', 'delivery-status': { code: 550, message: 'unknown' } },
  { event: 'opened', 'client-info': { bot: '' } },
];

let stack: LocalStack;
let deployment: Deployment;
let range: string[];

beforeAll(async () => {
  ({ stack, deployment } = await startArchiveStack());
  const at = Date.now() / 1000;
  const events = MESSAGES.flatMap(({ id, recipient }) =>
    TYPES.map((over, nth) =>
      deliveredEvent({
        id: `${over.event}-${id}`,
        timestamp: at + nth / 1000,
        recipient,
        tags: ['spring'],
        message: { headers: { 'message-id': id } },
        ...over,
      }),
    ),
  );
  // One is stored and never listed.
  stack.list(events.slice(0, -1) as never);
  for (const event of events) expect(await postWebhook(stack, event)).toBe(200);
  await drained(stack);
  const [from, to] = [Math.floor(at) - 1, Math.ceil(at) + 1];
  // The last slice of the range is due then.
  await sleep(Math.max(0, (to + QUICK.settleSeconds) * 1000 + 100 - Date.now()));
  while (!(await stack.reconcile()).done) await sleep(100);
  // The ledger may begin after the first of these seconds, which no run then compares.
  const url = `${stack.ready.apiUrl}/mailgun/ledger?domain=${DOMAIN}&from=${from}&to=${to}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${stack.ready.apiToken}` } });
  const { slices } = (await response.json()) as { slices: { start: number; passes: number }[] };
  const compared = slices.filter(({ passes }) => passes > 0).map(({ start }) => start);
  range = ['--from', String(Math.min(...compared)), '--to', String(Math.max(...compared) + QUICK.sliceSeconds)];
  expect(await run(['erase', ERASED, '--local', '--yes'])).toMatchObject({ exitCode: 0 });
  while (!(await stack.seal())?.done) await sleep(100);
}, 120_000);
afterAll(() => stack?.stop());

const run = (args: readonly string[]) =>
  runCommand(args, { openDeployment: async () => deployment, sleep: (ms) => sleep(Math.min(ms, 200)) });

async function restore(...more: string[]) {
  const { exitCode, json } = await run(['replay', '--local', '--from-archive', ...range, '--json', ...more]);
  return { exitCode, last: z.array(restoreLine).parse(json()).at(-1) };
}

/** Returns everything that readers see, except which event of a message was stored first. */
async function everythingRead(): Promise<unknown[]> {
  const read = async (path: string) => {
    const url = `${stack.ready.apiUrl}/mailgun/${path}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${stack.ready.apiToken}` } });
    return JSON.parse(await response.text(), (name, value) => (name === 'firstAt' ? null : value));
  };
  const [, from, , to] = range;
  const time = `domain=${DOMAIN}&from=${from}&to=${to}`;
  return Promise.all([
    ...MESSAGES.map(({ id }) => read(`messages?id=${encodeURIComponent(id)}`)),
    ...MESSAGES.flatMap(({ recipient }) => [read(`suppressions/${recipient}`), read(`recipients/${recipient}`)]),
    read(`ledger?${time}`),
    read(`stats?${time}&tag=spring`),
    read(`stats?${time}&by=provider`),
  ]);
}

async function scanAll() {
  const TableName = deployment.output('TableName');
  const { Items = [] } = await deployment.clients.table.send(new ScanCommand({ TableName, ConsistentRead: true }));
  return Items as { pk: string; sk: string }[];
}

async function deleteEverything(): Promise<void> {
  const TableName = deployment.output('TableName');
  const keys = (await scanAll()).map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } }));
  for (let from = 0; from < keys.length; from += 25) {
    const RequestItems = { [TableName]: keys.slice(from, from + 25) };
    await deployment.clients.table.send(new BatchWriteCommand({ RequestItems }));
  }
  expect(await scanAll()).toEqual([]);
}

test('a persistent backlog ends the restore with the command that continues it', async () => {
  let nowMs = Date.now();
  const queues = { send: async () => ({ Attributes: { ApproximateNumberOfMessages: '5000' } }) } as never;
  const { exitCode, json } = await runCommand(['replay', '--local', '--from-archive', ...range, '--json'], {
    openDeployment: async () => ({ ...deployment, clients: { ...deployment.clients, queues } }),
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  });

  expect(exitCode).toBe(1);
  const lines = z.array(restoreLine).parse(json());
  expect(lines.filter(({ event }) => event !== 'waiting' && event !== 'progress')).toMatchObject([
    { event: 'left', domain: DOMAIN, why: expect.stringContaining('15 minutes') },
    { event: 'resume', commands: [expect.stringMatching(/ --from-archive --from .* --domain /)] },
    { event: 'restored', complete: false, sent: 0 },
  ]);
});

test('a table that lost everything reads as before once it is restored from the archive', async () => {
  const before = await everythingRead();
  expect(JSON.stringify(before)).toContain('"unconfirmed":true');
  const tombstones = async () =>
    (await scanAll()).filter(({ pk, sk }) => pk === messagePartition(MESSAGES[0]?.id ?? '') && sk.includes('#E#'));
  const marks = async () =>
    (await scanAll()).filter(({ pk }) => /^(DOUBT|OPEN)#/.test(pk)).map(({ pk, sk }) => `${pk} ${sk}`);
  const marked = await marks();
  expect(marked).not.toEqual([]);
  const erased = await tombstones();
  expect(erased).toHaveLength(TYPES.length);
  expect(await restore()).toMatchObject({ exitCode: 0, last: { event: 'restored', sent: 0, slices: 0, markers: 0 } });
  await deleteEverything();
  expect(await everythingRead()).not.toEqual(before);

  const planned = await restore('--plan');
  expect(planned).toMatchObject({
    exitCode: 0,
    last: { event: 'plan', complete: true, sent: 12, expired: 0, markers: 1 },
  });
  const later = Date.now() + Number(deployment.output('RetentionDays')) * 86_400_000 + 60_000;
  const old = await runCommand(['replay', '--local', '--from-archive', ...range, '--plan'], {
    openDeployment: async () => deployment,
    now: () => later,
  });
  expect(old.lines.join('\n')).toContain('of which 12 events have left the table: they bring statuses and');
  const earlier = await runCommand(['replay', '--local', '--from-archive', ...range, '--plan'], {
    openDeployment: async () => withoutOutput(deployment, 'RetentionDays'),
    now: () => later,
  });
  expect(earlier.lines.join('\n')).toMatch(
    /those that have left the table \(how many is not known: .*\) bring statuses/,
  );
  // Marks of unconfirmed events are in the records of their slices, which begin before a time within them.
  const inItsHour = Math.floor(Number(range[1]) / 3600) * 3600 + 3599;
  const hours = ['--from', String(inItsHour), '--to', String(inItsHour + 2)];
  const whole = await runCommand(['replay', '--local', '--from-archive', ...hours, '--json', '--plan'], {
    openDeployment: async () => deployment,
    now: () => Math.max(Date.now(), (inItsHour + 2) * 1000),
  });
  expect(whole.json().at(-1)).toEqual(planned.last);
  expect(await scanAll()).toEqual([]);
  const { exitCode, last } = await restore();
  await drained(stack);

  expect(exitCode).toBe(0);
  expect(last).toMatchObject({ event: 'restored', complete: true, events: 12, sent: 12, unplaced: 0, markers: 1 });
  expect(await everythingRead()).toEqual(before);
  const keysOf = (items: { pk: string; sk: string }[]) => items.map(({ pk, sk }) => `${pk} ${sk}`).toSorted();
  expect(keysOf(await tombstones())).toEqual(keysOf(erased));
  expect(await marks()).toEqual(marked);
  expect(await restore()).toMatchObject({ exitCode: 0, last: { sent: 0, slices: 0, markers: 0 } });
}, 90_000);

test('erased recipients stay erased after a restore, and seal adds nothing to the chain for restored events', async () => {
  // A run may be cut short, or find another one active.
  let sealed = 0;
  for (let done = false; !done; ) {
    const report = await stack.seal();
    sealed += report?.sealed ?? 0;
    done = report?.done ?? false;
  }
  expect(sealed).toBe(0);
  const again = deliveredEvent({ id: 'again', timestamp: Date.now() / 1000, recipient: ERASED });
  expect(await postWebhook(stack, again)).toBe(200);
  await drained(stack);

  expect(JSON.stringify(await scanAll())).not.toContain(ERASED);
  const proved = await run(['prove', '--local', ...range]);
  expect(proved).toMatchObject({
    exitCode: 0,
    errors: [expect.stringMatching(/^ {2}mg\.example\.com: complete, \d+ slices, 12 events$/), expect.any(String)],
  });
}, 60_000);
