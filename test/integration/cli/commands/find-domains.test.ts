import { randomUUID } from 'node:crypto';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { CliContext } from '../../../../cli/command.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { type LocalLedger, startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// Find without an address, over the domains of a stack together.

const OTHER = 'eu.example.com';
const AT = Date.parse('2026-10-02T08:00:00Z') / 1000;
const RANGE = ['--tag', 'spring', '--from', '2026-10-02', '--to', '2026-10-03'];
let local: LocalLedger;

/** Mails by name, in the order of their acceptance, a minute apart: the domains alternate in part. */
const MAILS = [
  ['one', DOMAIN],
  ['two', OTHER],
  ['three', DOMAIN],
  ['four', DOMAIN],
  ['five', OTHER],
] as const;

beforeAll(async () => {
  local = await startLocalLedger({ domains: [DOMAIN, OTHER] });
  for (const [nth, [name, domain]] of MAILS.entries()) {
    const event = deliveredEvent({
      event: 'accepted',
      id: randomUUID(),
      timestamp: AT + nth * 60,
      tags: ['spring'],
      domain: { name: domain },
      message: { headers: { 'message-id': `${name}@${domain}`, subject: name } },
    });
    expect(await postWebhook(local.stack, event)).toBe(200);
  }
  await drained(local.stack);
}, 120_000);
afterAll(() => local?.stack.stop());

async function find(args: readonly string[], context: Partial<CliContext> = {}) {
  const { exitCode, json, errors } = await local.ledger(['find', ...RANGE, ...args, '--json'], context);
  const lines = json();
  return { exitCode, errors, subjects: lines.flatMap(({ subject }) => subject ?? []), last: lines.at(-1) };
}

test('find lists the mail of all domains together, newest first', async () => {
  expect(await find([])).toMatchObject({
    exitCode: 0,
    subjects: ['five', 'four', 'three', 'two', 'one'],
    last: { event: 'found', recipient: null, messages: 5, hasMore: false },
  });
  expect((await find(['--domain', OTHER])).subjects).toEqual(['five', 'two']);
});

test.each([
  [1, ['five']],
  [2, ['five', 'four']],
  // One domain is at its limit, the other is read to its end.
  [3, ['five', 'four', 'three']],
  [4, ['five', 'four', 'three', 'two']],
])('find at a limit of %d lists the newest of all domains, and goes on without a gap', async (limit, subjects) => {
  const found = await find(['--limit', String(limit)]);
  expect(found).toMatchObject({ exitCode: 0, subjects, last: { messages: limit, hasMore: true } });

  const { lines } = await local.ledger(['find', ...RANGE, '--limit', String(limit)]);
  const [, to = ''] = /raise --limit(?: or go on with --to (\S+Z))?/.exec(lines.at(-1) ?? '') ?? [];
  // The oldest one shown may not be the last of its second, so it is listed again; one alone has no time to go on from.
  const goesOn = limit === 1 ? ['--limit', '9'] : [];
  const rest =
    limit === 1 ? await find(goesOn) : await local.ledger(['find', ...RANGE.slice(0, 4), '--to', to, '--json']);
  const others = 'subjects' in rest ? rest.subjects : rest.json().flatMap(({ subject }) => subject ?? []);
  expect([...new Set([...subjects, ...others])]).toEqual(['five', 'four', 'three', 'two', 'one']);
});

/** Returns a context in which the mail of one domain cannot be read, or reading it ends the command. */
function without(domain: string, onRead: () => void): Partial<CliContext> {
  const table = Object.create(local.target.clients.table, {
    send: {
      value: async (command: object) => {
        if (command instanceof QueryCommand && JSON.stringify(command.input).includes(`"${domain}#`)) onRead();
        return local.target.clients.table.send(command as never);
      },
    },
    // The paginators hold it to be the client itself.
  }) as Deployment['clients']['table'];
  return { openDeployment: async () => ({ ...local.target, clients: { ...local.target.clients, table } }) };
}

test('find lists nothing where the mail of one domain cannot be read, and names the domain', async () => {
  const throttled = Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException', $metadata: {} });
  const context = without(OTHER, () => {
    throw throttled;
  });
  expect(await find([], context)).toEqual({
    exitCode: 1,
    errors: [],
    subjects: [],
    last: {
      event: 'error',
      message: `the mail of ${OTHER} cannot be read: AWS returned ThrottlingException: Rate exceeded; nothing is listed; --domain lists the mail of one of the others`,
    },
  });
  expect((await find(['--domain', DOMAIN], context)).subjects).toEqual(['four', 'three', 'one']);
});

test('find that is interrupted between two domains says that it has not read all', async () => {
  const stop = new AbortController();
  const { lines, errors, exitCode } = await local.ledger(['find', ...RANGE], {
    ...without(OTHER, () => stop.abort()),
    signal: stop.signal,
  });
  expect({ lines, errors, exitCode }).toEqual({
    lines: [],
    exitCode: 1,
    errors: [expect.stringMatching(/^interrupted before all was read/)],
  });
});
