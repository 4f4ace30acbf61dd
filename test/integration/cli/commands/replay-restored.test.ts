import { NO_COUNTS } from '../../../../cli/commands/replay/report.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { createRestoreNotes } from '../../../../lambdas/adapters/table/delivery-repository.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { replayLine } from '../../../support/cli/json-lines/replay.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// After a restore from a backup the table lacks corrections, so the command notes the begin before it brings anything in.

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const NOTHING = {
  ...NO_COUNTS,
  state: 'ran',
  done: true,
  nextFromEpochSeconds: NOW_MS / 1000,
};

let engines: TestEngines;
beforeAll(async () => {
  engines = await startTestEngines();
});
afterAll(() => engines?.close());

const readBegin = () => createRestoreNotes(engines.table).readBegin();

async function replay(more: readonly string[], outputs: Readonly<Record<string, string>> = {}) {
  const begins: (number | undefined)[] = [];
  const deployment = stubDeployment({
    clients: { table: engines.table.client } as unknown as Deployment['clients'],
    output: (name) => outputs[name] ?? engines.output(name),
    invoke: async () => {
      begins.push(await readBegin());
      return NOTHING;
    },
  });
  const args = ['replay', '--local', '--from', '2h', '--json', ...more];
  const { exitCode, json } = await runCommand(args, { openDeployment: async () => deployment, now: () => NOW_MS });
  return { exitCode, begins, lines: json() };
}

test('replay --restored notes the begin before it brings anything in; without it, or with --plan, nothing is noted', async () => {
  for (const more of [[], ['--restored', '--plan']]) {
    expect(await replay(more)).toMatchObject({ exitCode: 0, begins: [undefined] });
    expect(await readBegin()).toBeUndefined();
  }

  const { exitCode, begins, lines } = await replay(['--restored']);
  expect({ exitCode, begins }).toEqual({ exitCode: 0, begins: [NOW_MS] });
  expect(lines.map((line) => replayLine.parse(line).event)).toEqual(['noted', 'replayed']);
});

test('replay --restored brings nothing in where the begin cannot be noted', async () => {
  const { exitCode, begins } = await replay(['--restored'], { TableName: 'none-of-that-name' });
  expect({ exitCode, begins }).toEqual({ exitCode: 1, begins: [] });
});
