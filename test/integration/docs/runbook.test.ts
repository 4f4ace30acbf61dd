import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { AlarmHarness } from '../../support/alarms/alarm-harness.ts';
import { hasPlaceholder, isLedger, readDoc, shellLines, tableCommands } from '../../support/cli/printed-commands.ts';
import { Synthesized } from '../../support/stacks/synthesized.ts';

// Every command that the runbook, the alarms and the operations page print is run as printed, in a shell, against a
// stack with problems.

const PROJECT = join(import.meta.dirname, '../../..');
const LONG = 300_000;
const API_KEY = 'key-of-the-api-01';

const RUNBOOK = readDoc('runbook');
const OPERATE = readDoc('operate');

const distinct = (lines: readonly string[]) => [...new Set(lines)];
const RUNBOOK_LINES = shellLines(RUNBOOK);
const IN_RUNBOOK = distinct([...RUNBOOK_LINES.slice(1), ...tableCommands(RUNBOOK)]).filter(
  (line) => !hasPlaceholder(line),
);
const IN_ALARMS = firstCommands();
const IN_OPERATE = distinct(shellLines(OPERATE).filter((line) => isLedger(line) && !hasPlaceholder(line)));

let harness: AlarmHarness;
let folder: string;
const exits: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailgun-ledger-runbook-'));
  harness = await AlarmHarness.start({
    publish: {},
    reconcile: {
      source: 'events',
      everySeconds: 5,
      settleSeconds: 1,
      sliceSeconds: 900,
      retentionSeconds: 400_000,
      fromEpochSeconds: undefined,
      mailgunUrl: undefined,
      apiKey: API_KEY,
    },
  });
  await writeFile(join(folder, 'signing-key.txt'), `${harness.stack.account.signingKey}\n`);
  for (const file of ['api-key.txt', 'write-key.txt']) await writeFile(join(folder, file), `${API_KEY}\n`);
  await mkdir(join(folder, 'bin'));
  const { scripts } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  await writeFile(join(folder, 'bin/npm'), asNpm(scripts.ledger), { mode: 0o755 });
  for (let nth = 0; nth < 3; nth += 1) expect(await harness.happen()).toBe(200);
  expect(await harness.post({}, {})).toBe(400);
  await harness.enqueue('{"v":1}');
  expect(await becomes('dead-letters', 'ALARM')).toBe(true);
  expect(await typed('npm run ledger -- status', {})).toMatchObject({
    code: 1,
    out: expect.stringContaining('NOT HEALTHY'),
  });
}, LONG);
afterAll(async () => {
  console.log(`exit code and command:\n${exits.join('\n')}\n`);
  await harness?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Replaces input files by those in the test's folder. */
const asHere = (line: string) => line.replace(/ < (\S+\.txt)$/, (_, name) => ` < ${join(folder, name)}`);

/** Does what `npm run ledger -- ...` does, without the time that npm itself takes. */
const asNpm = (script: string) => `#!/bin/sh
[ "$1 $2 $3" = "run ledger --" ] || exit 2
shift 3
${script} "$@"
`;

/** Runs a line in a shell, by npm itself or by what stands for it; removes npm's own output. */
async function typed(
  line: string,
  environment: NodeJS.ProcessEnv = { PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` },
): Promise<{ code: number | null; out: string; err: string }> {
  const port = new URL(harness.stack.ready.webhookUrl).port;
  const child = spawn('sh', ['-c', asHere(line)], {
    cwd: PROJECT,
    env: { ...process.env, LEDGER_TARGET: `local:${port}`, npm_config_loglevel: 'silent', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  exits.push(`${code}  ${line}`);
  return { code, out, err };
}

/** Commands that exit with 1 if something is wrong, which it is here. */
const JUDGES = / -- (status|doctor|webhooks check|dlq redrive --yes)$/;

/** What commands print on standard error although nothing is wrong. */
const NOTES: Readonly<Record<string, RegExp>> = {
  logs: /^no matching line since \S+\n$/,
  replay: /^(mg\.example\.com {2}until \S+ {2}\d+ events · .+\n)+$/,
};

async function expectResult(line: string): Promise<void> {
  const { code, out, err } = await typed(line);
  const [, command = ''] = / -- (\S+)/.exec(line) ?? [];
  const said = err.replace(NOTES[command] ?? /$^/, '');

  expect({ line, code, said }).toEqual({ line, code: JUDGES.test(line) && code === 1 ? 1 : 0, said: '' });
  expect((out + err).trim()).not.toBe('');
  expect(out).not.toMatch(/^error|"event":"error"/m);
}

test('the runbook begins with the choice of the stack, and all its blocks are commands', () => {
  expect(RUNBOOK_LINES[0]).toBe('export LEDGER_TARGET=prod');
  expect(RUNBOOK_LINES.slice(1).filter((line) => !isLedger(line))).toEqual([]);
  expect(RUNBOOK_LINES.filter((line) => hasPlaceholder(line) || line.includes('--env'))).toEqual([]);
  expect(IN_RUNBOOK.length).toBeGreaterThan(20);
  expect(IN_ALARMS.length).toBeGreaterThan(8);
  expect(IN_OPERATE.length).toBeGreaterThan(8);
});

test(
  'the check finds a command that does not exist, and a wrong option',
  async () => {
    for (const line of ['npm run ledger -- dlq drain', 'npm run ledger -- status --wrong']) {
      await expect(expectResult(line)).rejects.toThrow(line);
    }
  },
  LONG,
);

describe('a command of the runbook or an alarm runs:', () => {
  test.each(distinct([...IN_RUNBOOK, ...IN_ALARMS]))('%s', expectResult, LONG);
});

describe('a command of the operations page runs:', () => {
  beforeAll(async () => {
    await harness.emptyDeadLetters();
    // An alarm that is on cannot be drilled.
    expect(await becomes('dead-letters', 'OK')).toBe(true);
  }, LONG);

  test.each(IN_OPERATE)('%s', expectResult, LONG);
});

async function becomes(anchor: string, state: string): Promise<boolean> {
  for (const untilMs = Date.now() + 60_000; Date.now() < untilMs; await sleep(200)) {
    if (harness.alarms().get(anchor) === state) return true;
  }
  return false;
}

/** Returns the first commands in the alarms of an environment with publishing, without the environment. */
function firstCommands(): string[] {
  const alarms = new Synthesized('dev', { publish: { enabled: true } }).ofType('AWS::CloudWatch::Alarm');
  const commands = alarms.map(({ Properties }) => /^First: (.+) --env dev$/m.exec(Properties.AlarmDescription)?.[1]);
  expect(commands).not.toContain(undefined);
  return distinct(commands.map(String));
}
