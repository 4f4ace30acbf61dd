import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { type LocalLedger, startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// The server as an agent starts it: a process, called with the protocol's own client.

const ROOT = join(import.meta.dirname, '../../../..');
const event = { ...deliveredEvent(), timestamp: Date.now() / 1000 };
const { recipient, message } = event as unknown as { recipient: string; message: { headers: Record<string, string> } };
const messageId = message.headers['message-id'] ?? '';

let local: LocalLedger;
let agent: Client;
beforeAll(async () => {
  local = await startLocalLedger();
  expect(await postWebhook(local.stack, event)).toBe(200);
  await drained(local.stack);
  agent = await connect();
}, 90_000);
afterAll(async () => {
  await agent?.close();
  await local?.stack.stop();
});

async function connect(...more: string[]): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const args = [join(ROOT, 'bin/mailgun-ledger.ts'), 'mcp', '--local', '--port', String(local.port), ...more];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, cwd: ROOT }));
  return client;
}

async function call(name: string, given: Record<string, unknown> = {}, by = agent) {
  const { isError = false, content } = await by.callTool({ name, arguments: given });
  const [{ text }] = content as [{ text: string }];
  return { isError, text, lines: () => text.split('\n').map((line) => JSON.parse(line)) };
}

test('every MCP tool is marked as read-only', async () => {
  const { tools } = await agent.listTools();

  expect(tools.map(({ name }) => name)).toEqual([
    ...[
      'status',
      'why',
      'dlq_list',
      'plan_replay',
      'plan_redrive',
      'search',
      'suppressions',
      'ledger',
      'stats',
      'runbook',
    ],
  ]);
  expect(tools.filter(({ annotations }) => !annotations?.readOnlyHint)).toEqual([]);
});

test('MCP why explains a message by its keys, without its recipient', async () => {
  const { isError, text } = await call('why', { messageId });

  expect(isError).toBe(false);
  expect(text).toContain('DELIVERED');
  expect(text).toContain(messageId);
  expect(text.toLowerCase()).not.toContain(recipient.toLowerCase());
});

test('MCP tools find events of a recipient, and show the address only if permitted', async () => {
  const open = await connect('--recipients');
  try {
    const [masked, whole] = [await call('search', { recipient }), await call('search', { recipient }, open)];

    expect(masked.lines()).toMatchObject([
      { messageId, event: 'delivered', recipient: expect.stringMatching(/^.\*\*\*@/) },
      { next: null },
    ]);
    expect(whole.lines()[0]).toMatchObject({ recipient });
  } finally {
    await open.close();
  }
});

test.each([
  ['status', {}, 'health'],
  ['dlq_list', {}, 'dead-letters'],
  ['plan_redrive', {}, 'plan'],
  ['plan_replay', { from: '30s', to: '10s' }, '"event":"plan"'],
  ['suppressions', { address: 'ada@north.example' }, '"suppressed":false'],
  ['ledger', {}, 'completeness'],
  ['runbook', { alarm: 'dead-letters' }, 'Means'],
])('MCP %s %j returns the requested data', async (name, given, expected) => {
  expect((await call(name, given)).text).toContain(expected);
});

test.each([
  ['search', { recipient: 'no address' }, 'one address'],
  ['ledger', { domain: 'mg.other.example' }, DOMAIN],
  ['why', { messageId: '' }, 'messageId'],
  ['plan_replay', { from: 'never', to: '1h' }, 'from'],
  ['plan_redrive', { reason: '--yes' }, ''],
  ['runbook', { alarm: 'nothing' }, 'dead-letters'],
])('MCP %s %j fails with the valid values', async (name, given, expected) => {
  const { isError, text } = await call(name, given);

  expect(isError || name === 'plan_redrive').toBe(true);
  expect(text).toContain(expected);
});

test('MCP tools change nothing, whatever is called', async () => {
  const before = (await local.stack.stats()).calls;

  await call('plan_replay', { from: '30s', to: '10s' });
  await call('plan_redrive');
  await call('status');

  const { calls } = await local.stack.stats();
  const changed = Object.keys(calls).filter((name) => calls[name] !== before[name]);
  expect(changed.filter((name) => /Put|Update|Delete|Send|Write/.test(name))).toEqual([]);
});

test('the MCP server exits when its input ends', async () => {
  const other = await connect();
  const { pid } = other.transport as StdioClientTransport;

  await other.close();

  expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
});
