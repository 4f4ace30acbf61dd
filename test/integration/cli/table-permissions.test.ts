import { readStackDomains, tableOf } from '../../../cli/ledger.ts';
import { openDeployment } from '../../../cli/target/open.ts';
import type { Deployment } from '../../../cli/target/types.ts';
import { runCommand } from '../../support/cli/command-line.ts';
import { DOMAIN, deliveredEvent } from '../../support/fixtures/webhooks.ts';
import { localLedgerForAll } from '../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../support/stacks/local-stack.ts';

// What a command calls on the table, its help must name, or someone with just these permissions is refused.

const MESSAGE = `order@${DOMAIN}`;
const RECIPIENT = 'ada@example.org';
const DAYS = 3;
const FROM = `${DAYS + 1}d`;
const local = localLedgerForAll();

/** Records what is called on the table of a deployment from now on. */
function recordCalls({ clients }: Deployment, calls: Set<string>): void {
  clients.table.middlewareStack.add(
    (next, { commandName = '' }) =>
      (request) => {
        calls.add(commandName.replace(/Command$/, ''));
        return next(request);
      },
    { step: 'initialize', name: 'record' },
  );
}

/** Runs a command, and returns what it calls on the table after it has opened the stack. */
async function callsOf(args: readonly string[]) {
  const calls = new Set<string>();
  const { exitCode, errors } = await local.ledger(args, {
    openDeployment: async (ref) => {
      const deployment = await openDeployment(ref);
      recordCalls(deployment, calls);
      return deployment;
    },
  });
  return { exitCode, errors, calls: [...calls] };
}

async function needsOf(command: readonly string[]) {
  const help = (await runCommand([...command, '--help'])).lines.join('\n');
  return /^Needs on AWS[:,] [\s\S]*?\.\n/m.exec(help)?.[0].match(/\b[A-Z]\w+\b/g) ?? [];
}

beforeAll(async () => {
  // No run has compared them: a command looks where the ledger begins.
  for (const [messageId, age] of [
    [MESSAGE, 60],
    [`old-${MESSAGE}`, DAYS * 86_400],
  ] as const) {
    for (const event of ['accepted', 'delivered']) {
      const message = { headers: { 'message-id': messageId, subject: 'Your order' } };
      const sent = deliveredEvent({ id: `${event}-${age}`, event, recipient: RECIPIENT, tags: ['spring'], message });
      expect(await postWebhook(local.stack, { ...sent, timestamp: Date.now() / 1000 - age })).toBe(200);
    }
  }
  await drained(local.stack);
}, 120_000);

test.each([
  { args: ['find', RECIPIENT] },
  { args: ['find', '--status', 'delivered', '--from', FROM] },
  { args: ['report', 'spring', '--from', FROM] },
  { args: ['export', '--from', FROM] },
  { args: ['unconfirmed'] },
  { args: ['why', MESSAGE] },
])('the help of $args names what it calls on the table', async ({ args }) => {
  const { calls, exitCode, errors } = await callsOf(args);
  expect({ args, exitCode, errors, calls: calls.length > 0 }).toMatchObject({ exitCode: 0, calls: true });
  expect(await needsOf(args.slice(0, 1))).toEqual(expect.arrayContaining(calls));
});

test('the help of all commands names what opening a stack calls on the table', async () => {
  const calls = new Set<string>();
  const deployment = await openDeployment({ kind: 'local', port: local.port });
  recordCalls(deployment, calls);
  await readStackDomains('[]', tableOf(deployment));
  expect(calls.size).toBeGreaterThan(0);
  expect(await needsOf([])).toEqual(expect.arrayContaining([...calls]));
});
