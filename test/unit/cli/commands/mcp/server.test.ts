import { runbookSection } from '../../../../../cli/commands/help.ts';
import { masked, resultText, TOOLS } from '../../../../../cli/commands/mcp/server.ts';
import { stubDeployment } from '../../../../support/cli/command-line.ts';

const EVENT = {
  key: 'failed#1',
  messageId: '20260202.1.A@mg.example.com',
  recipient: 'Ada+x@north.example',
  deliveryStatus: { message: '550 5.1.1 <ada+x@north.example>: unknown' },
  userVariables: { customer: 'ada' },
  subject: 'Your bill, Ada',
  tags: ['bill'],
};

test('an MCP result masks addresses, and keeps ids of messages and events', () => {
  expect(masked([EVENT])).toEqual([
    {
      key: 'failed#1',
      messageId: '20260202.1.A@mg.example.com',
      recipient: 'A***@north.example',
      deliveryStatus: { message: '550 5.1.1 <a***@north.example>: unknown' },
      tags: ['bill'],
    },
  ]);
});

test.each(['a@b.example', 'x"ada@b.example"', 'to: ada@b.example, bob@c.example', 'mailto:ada@b.example'])(
  'an MCP result has no whole address in %s',
  (text) => {
    expect(masked(text)).not.toMatch(/(?:ada|bob|\ba)@/);
  },
);

test('an MCP result shows addresses if the server is started with them', () => {
  expect(JSON.parse(resultText([EVENT], true))).toEqual(EVENT);
});

test('a long MCP result ends with how much was left out', () => {
  const lines = resultText(Array(500).fill({ text: 'x'.repeat(100) }), false).split('\n');

  expect(lines.join('\n').length).toBeLessThan(17_000);
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ leftOut: 500 - (lines.length - 1) });
});

test('an MCP tool states that its result is empty', () => {
  expect(resultText([], false)).toBe('{"entries":0}');
});

test('the MCP runbook tool finds a section by heading, and lists all headings for an unknown one', () => {
  const page = '# Runbook\n\n## a\n\none\n\n## b\n\ntwo\n';

  expect(runbookSection('B', page)).toEqual({ isError: false, entries: ['## b\n\ntwo'] });
  expect(runbookSection('c', page)).toMatchObject({ isError: true, entries: [{ headings: ['a', 'b'] }] });
});

test('the MCP runbook tool returns what an alarm means', () => {
  const { isError, entries } = runbookSection('dead-letters');

  expect(isError).toBe(false);
  expect(entries[0]).toContain('Means');
});

test('an MCP tool that reads the read API reports that it takes JWTs', async () => {
  const output = (key: string) =>
    ({ ApiUrl: 'http://127.0.0.1:1', JwtIssuer: 'https://login.acme.example' })[key] ?? '';
  const tools = { deployment: stubDeployment({ output }), signal: new AbortController().signal };
  const { call } = TOOLS.find(({ name }) => name === 'ledger')!;

  await expect(call({}, tools as Parameters<typeof call>[1])).rejects.toThrow(
    'the read API takes JWTs of https://login.acme.example alone',
  );
});
