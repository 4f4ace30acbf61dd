import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from '@jest/globals';
import type { Deployment } from '../../../../cli/target/types.ts';
import { runCommand, stubDeployment } from '../../../support/command-line.ts';
import { suppressionsLiftLine } from '../../../support/json-lines/suppressions.ts';

const SINCE = Date.parse('2026-11-22T08:00:00Z');
const itemOf = (domain: string, kind: string) => ({
  pk: 'SUP#ada@example.org',
  sk: `${domain}#${kind}#*`,
  recipient: 'ada@example.org',
  ...{ domain, kind, scope: '*', reason: null, since: SINCE, eventKey: 'failed#1' },
});

/** Lifts from a table in memory; returns the sort keys that were written, too. */
async function lift(...flags: string[]) {
  const written: unknown[] = [];
  const Items = [itemOf('mg.example.com', 'bounce'), itemOf('mg.example.com', 'complaint'), itemOf('-', 'bounce')];
  const send = async (command: unknown) => {
    if (!(command instanceof UpdateCommand)) return { Items };
    written.push(command.input.Key?.sk);
    return {};
  };
  // Pages are read by the SDK's paginator, which takes its own client only.
  const table = Object.assign(Object.create(DynamoDBDocumentClient.prototype), { send });
  const clients = { table } as Deployment['clients'];
  const args = ['suppressions', 'lift', 'Ada <ada@example.org>', '--local', '--json', ...flags];
  const { exitCode, errors, json } = await runCommand(args, {
    openDeployment: async () => stubDeployment({ clients, output: (key) => key }),
  });
  const lines = exitCode === 0 ? json().map((line) => suppressionsLiftLine.parse(line)) : json();
  return { exitCode, errors, lines, written };
}

test('lift --plan says what would be lifted, asks nothing and writes nothing', async () => {
  const { exitCode, lines, written } = await lift('--plan', '--kind', 'bounce');
  const since = '2026-11-22T08:00:00.000Z';
  expect(exitCode).toBe(0);
  expect(lines).toEqual([
    { event: 'would-lift', domain: 'mg.example.com', kind: 'bounce', scope: '*', since, atMailgun: false },
    { event: 'would-lift', domain: '-', kind: 'bounce', scope: '*', since, atMailgun: false },
    { event: 'plan', recipient: 'ada@example.org', count: 2 },
  ]);
  expect(written).toEqual([]);
});

test.each([
  [['--kind', 'complaint'], ['mg.example.com#complaint#*']],
  [['--domain', 'mg.example.com', '--kind', 'bounce'], ['mg.example.com#bounce#*']],
  [['--domain', '-'], ['-#bounce#*']],
])('lift %j lifts those alone, of an unknown domain too', async (flags, expected) => {
  expect(await lift('--yes', ...flags)).toMatchObject({ exitCode: 0, written: expected });
});

test('lift refuses a domain that is not of the stack, and writes nothing', async () => {
  const { exitCode, lines, written } = await lift('--yes', '--domain', 'other.example.com');
  expect(exitCode).toBe(2);
  expect(lines).toEqual([
    { event: 'error', message: expect.stringMatching(/none of the stack's: mg.example.com, -$/) },
  ]);
  expect(written).toEqual([]);
});
