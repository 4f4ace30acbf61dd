import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { ReadyLine } from '../../../../tools/local-ledger/ready-line.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const LEFT_OUT = ['node_modules', 'test', 'docs', 'cdk.out', 'coverage'];

/** A copy of the project, to change lines in. */
let project: string;
/** Kills npm and its children, wherever a test failed. */
let endGroup = (): void => {};
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'mailgun-ledger-project-'));
  cpSync(ROOT, project, {
    recursive: true,
    filter: (source) => {
      const [first = ''] = relative(ROOT, source).split(sep);
      return !first.startsWith('.') && !LEFT_OUT.includes(first);
    },
  });
  symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
});
afterAll(() => {
  endGroup();
  rmSync(project, { recursive: true });
});

/** Starts the copy's stack and stops it; returns the status for an invalid body in between. */
async function startAndAsk(): Promise<number> {
  const stack = spawn('npm', ['start', '--silent', '--', '--json', '--no-traffic', '--port', '0'], {
    cwd: project,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endGroup = () => {
    if (stack.pid !== undefined) process.kill(-stack.pid, 'SIGKILL');
  };
  const ended = once(stack, 'close').then(() => {
    endGroup = () => {};
  });
  const said = text(stack.stderr);
  const ready = await Promise.race([
    once(createInterface({ input: stack.stdout }), 'line').then(([line]): ReadyLine => JSON.parse(line)),
    ended.then(async () => Promise.reject(new Error(await said))),
  ]);
  const { status } = await fetch(ready.webhookUrl, { method: 'POST', body: 'no JSON' });
  process.kill(ready.pid, 'SIGTERM');
  await ended;
  return status;
}

const assemblies = () => readdirSync(join(project, '.local/assemblies'));

test("a second start reuses the first one's assembly, and a changed line takes effect at the next start", async () => {
  expect(await startAndAsk()).toBe(400);
  const [first] = assemblies();
  expect(readdirSync(join(project, '.local/compile-cache'))).toHaveLength(1);
  expect(await startAndAsk()).toBe(400);
  expect(assemblies()).toEqual([first]);

  const file = join(project, 'lambdas/ingest/status-codes.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replace("'malformed-body': 400", "'malformed-body': 418"));

  expect(await startAndAsk()).toBe(418);
  expect(assemblies()).toHaveLength(2);
}, 120_000);
