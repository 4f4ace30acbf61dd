import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Deployment } from '../../../../cli/target/types.ts';
import { outputOfItsKey, runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { suppressionsLiftLine } from '../../../support/cli/json-lines/suppressions.ts';

const SINCE = Date.parse('2026-11-22T08:00:00Z');
const itemOf = (domain: string, kind: string) => ({
  pk: 'SUP#ada@example.org',
  sk: `${domain}#${kind}#*`,
  recipient: 'ada@example.org',
  domain,
  kind,
  scope: '*',
  reason: null,
  since: SINCE,
  eventKey: 'failed#1',
});

/** Lifts from a table in memory; returns the sort keys that were written, too. */
const lift = (...flags: string[]) =>
  liftFrom([itemOf('mg.example.com', 'bounce'), itemOf('mg.example.com', 'complaint'), itemOf('-', 'bounce')], flags);

async function liftFrom(Items: ReturnType<typeof itemOf>[], flags: readonly string[]) {
  const written: unknown[] = [];
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
    openDeployment: async () => stubDeployment({ clients, output: outputOfItsKey }),
  });
  const lines = json().map((line) => ('message' in line ? line : suppressionsLiftLine.parse(line)));
  return { exitCode, errors, lines, written };
}

test('lift --plan prints what would be lifted, without a prompt or a write', async () => {
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
  [['--domain', 'mg.example.com', '--kind', 'complaint'], ['mg.example.com#complaint#*']],
  [['--domain', '-'], ['-#bounce#*']],
])('lift %j lifts only those, also of an unknown domain', async (flags, expected) => {
  expect(await lift('--yes', ...flags)).toMatchObject({ exitCode: 0, written: expected });
});

const LEFT = { event: 'left', domain: '-', kind: 'bounce', scope: '*', since: '2026-11-22T08:00:00.000Z' };

test('lift of one domain fails and names the suppression of an unknown domain that still holds', async () => {
  const { exitCode, lines, written } = await lift('--yes', '--domain', 'mg.example.com');

  expect([exitCode, written]).toEqual([1, ['mg.example.com#bounce#*', 'mg.example.com#complaint#*']]);
  expect(lines.filter(({ event }) => event === 'left')).toEqual([LEFT]);
});

test('lift --plan of one domain names what would still hold', async () => {
  const { lines } = await lift('--plan', '--domain', 'mg.example.com');
  expect(lines).toContainEqual(LEFT);
});

test('lift of a domain without a suppression points to the one of an unknown domain', async () => {
  const { exitCode, lines } = await liftFrom([itemOf('-', 'bounce')], ['--yes', '--domain', 'mg.example.com']);
  expect(exitCode).toBe(1);
  expect(lines).toEqual([{ event: 'error', message: expect.stringMatching(/unknown domain: --domain - lifts it$/) }]);
});

test('lift refuses a domain that the stack does not have, and writes nothing', async () => {
  const { exitCode, lines, written } = await lift('--yes', '--domain', 'other.example.com');
  expect(exitCode).toBe(2);
  expect(lines).toEqual([
    { event: 'error', message: expect.stringMatching(/not one of the stack's: mg.example.com, -$/) },
  ]);
  expect(written).toEqual([]);
});
