import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findChromium } from '../../test/support/pages/browser.ts';
import { checkOut } from './checkout.ts';
import { median } from './statistics.ts';

const HELP = `npm run bench:starts [-- --against COMMIT] [--repeat N] [--only MEASURE,…]

Measures how long the commands of the README take, side by side with an earlier commit: the two take
turns, both as committed, each with its own packages. Wants the machine to itself.

  --against COMMIT  what it is held against (f983ae6), which needs Java
  --repeat N        how often each is measured; medians are printed (5)
  --only MEASURE,…  cold, unchanged, memory, once, tests (all but tests, which take half an hour each)

Exit code 0: every target of the table is met.`;

/** Maximum ratio to the earlier commit's time or memory that meets each target. */
const TARGETS = { cold: 0.5, unchanged: 0.3, memory: 0.5, once: 0.6, tests: 0.6 } as const;
type Measure = keyof typeof TARGETS;
const MEASURES = Object.keys(TARGETS) as Measure[];

const WORDS: Readonly<Record<Measure, string>> = {
  cold: 'ready line, first start (s)',
  unchanged: 'ready line, nothing changed since (s)',
  memory: 'memory of the idle stack (MiB)',
  once: 'npm start -- --once (s)',
  tests: 'npm test (s)',
};

const IDLE_MS = 5000;

const { values } = parseArgs({
  options: {
    against: { type: 'string', default: 'f983ae6' },
    repeat: { type: 'string', default: '5' },
    only: { type: 'string', default: 'cold,unchanged,memory,once' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const repeat = Number(values.repeat);
if (!Number.isSafeInteger(repeat) || repeat < 1)
  refuse(`--repeat must be a whole number from 1, not "${values.repeat}"`);
const only = values.only
  .split(',')
  .map((name) => MEASURES.find((measure) => measure === name) ?? refuse(wrongMeasure(name)));

const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-starts-'));
try {
  const sides = {
    earlier: checkOut(values.against, join(folder, 'earlier')),
    now: checkOut('HEAD', join(folder, 'now')),
  };
  // Both projects: a process run by this folder's node would share its pages with this one, and seem smaller.
  for (const project of Object.values(sides)) execFileSync('npm', ['ci', '--silent'], { cwd: project });
  const found = new Map(only.map((measure) => [measure, { earlier: [] as number[], now: [] as number[] }]));
  for (let round = 1; round <= repeat; round += 1) {
    for (const side of ['earlier', 'now'] as const) {
      for await (const [measure, value] of measureAll(sides[side])) {
        found.get(measure)?.[side].push(value);
        console.log(`  ${round}/${repeat}  ${side.padEnd(7)}  ${WORDS[measure]}: ${value.toFixed(1)}`);
      }
    }
  }
  console.log(`\n${'median'.padEnd(40)}${values.against.padStart(10)}${'now'.padStart(10)}     ratio  target`);
  for (const [measure, { earlier, now }] of found) {
    const [before, after] = [median(earlier), median(now)];
    const ratio = after / before;
    const isMet = ratio <= TARGETS[measure];
    if (!isMet) process.exitCode = 1;
    const figures = `${before.toFixed(1).padStart(10)}${after.toFixed(1).padStart(10)}`;
    console.log(
      `${WORDS[measure].padEnd(40)}${figures}  ${isMet ? '✔' : '✖'}  ${ratio.toFixed(2)}x  ${TARGETS[measure]}x`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function* measureAll(project: string): AsyncGenerator<[Measure, number]> {
  if (only.some((measure) => ['cold', 'unchanged', 'memory'].includes(measure))) {
    rmSync(join(project, '.local'), { recursive: true, force: true });
    yield ['cold', (await startOnce(project)).seconds];
    const { seconds, megabytes } = await startOnce(project);
    yield ['unchanged', seconds];
    yield ['memory', megabytes];
  }
  if (only.includes('once'))
    yield ['once', await secondsOf(project, ['start', '--silent', '--', '--once', '--port', '0'])];
  if (only.includes('tests')) yield ['tests', await secondsOfTests(project)];
}

/**
 * Starts the stack, waits for its ready line, and stops it. Returns the seconds until that line, and memory after a
 * while.
 */
async function startOnce(project: string): Promise<{ seconds: number; megabytes: number }> {
  const begun = performance.now();
  const npm = spawn('npm', ['start', '--silent', '--', '--json', '--no-traffic', '--port', '0'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await Promise.race([once(createInterface({ input: npm.stdout }), 'line'), failed(npm, project)]);
  const seconds = (performance.now() - begun) / 1000;
  const { pid }: { pid: number } = JSON.parse(line);
  if (only.includes('memory')) await sleep(IDLE_MS);
  const megabytes = only.includes('memory') ? megabytesOf(pid) : 0;
  process.kill(pid, 'SIGTERM');
  await once(npm, 'close');
  return { seconds, megabytes };
}

async function failed(npm: ChildProcess, project: string): Promise<never> {
  const [code] = await once(npm, 'close');
  throw new Error(`npm start in ${project} ended with ${code} before it was ready`);
}

async function secondsOf(project: string, args: readonly string[]): Promise<number> {
  const begun = performance.now();
  const [code] = await once(spawn('npm', args, { cwd: project, stdio: 'ignore' }), 'close');
  if (code !== 0) throw new Error(`npm ${args.join(' ')} in ${project} ended with ${code}`);
  return (performance.now() - begun) / 1000;
}

/**
 * Prints the number of tests: fewer tests in less time is not a gain. A commit with failing tests is measured as well.
 */
async function secondsOfTests(project: string): Promise<number> {
  // The earlier commit has no browser of its own.
  const CHROMIUM_PATH = await findChromium();
  const begun = performance.now();
  const npm = spawn('npm', ['test'], {
    cwd: project,
    env: { ...process.env, CHROMIUM_PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said] = await Promise.all([text(npm.stderr), once(npm, 'close')]);
  const seconds = (performance.now() - begun) / 1000;
  console.log(`               ${/^Tests: .*$/m.exec(said)?.[0] ?? 'no test ran'}`);
  return seconds;
}

/** Returns the memory of a process and its descendants, counting shared pages once. */
function megabytesOf(root: number): number {
  const all = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' });
  const parents = all
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const family = (pid: number): number[] => [
    pid,
    ...parents.filter(([, parent]) => parent === pid).flatMap(([child]) => family(child)),
  ];
  return family(root).reduce((sum, pid) => sum + proportionalKilobytes(pid), 0) / 1024;
}

function proportionalKilobytes(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
}

function wrongMeasure(name: string): string {
  return `--only names measures (${MEASURES.join(', ')}), not "${name}"`;
}

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}
