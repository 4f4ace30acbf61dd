import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './statistics.ts';

/** Maximum ratio to the earlier commit's time or memory that meets each target. */
const TARGETS = { cold: 0.5, unchanged: 0.3, memory: 0.5, once: 0.6, tests: 0.6 } as const;
export type TimedStep = keyof typeof TARGETS;
export const MEASURES = Object.keys(TARGETS) as TimedStep[];

const TITLES: Readonly<Record<TimedStep, string>> = {
  cold: 'ready line, first start (s)',
  unchanged: 'ready line, nothing changed since (s)',
  memory: 'memory of the idle stack (MiB)',
  once: 'npm start -- --once (s)',
  tests: 'npm test (s)',
};

const SIDES = ['earlier', 'now'] as const;
type Side = (typeof SIDES)[number];

interface CommandTimesOptions {
  /** Folder of each commit, with its packages installed. */
  readonly projects: Readonly<Record<Side, string>>;
  readonly only: readonly TimedStep[];
  readonly repeat: number;
  /** Environment of the commands. */
  readonly environment: NodeJS.ProcessEnv;
  print(line: string): void;
}

/** One run of one command; without a value if it failed and is not timed. */
interface Reading {
  readonly measure: TimedStep;
  readonly value?: number;
  readonly failure?: string;
  /** Tests that passed. */
  readonly tests?: number;
}

/** Measures both commits by turns, and prints the medians; returns true if every target is met. */
export async function compareCommands(options: CommandTimesOptions): Promise<boolean> {
  const { only, repeat, print } = options;
  const readings: Record<Side, Reading[]> = { earlier: [], now: [] };
  for (let round = 1; round <= repeat; round += 1) {
    for (const side of SIDES) {
      for await (const reading of measureAll(side, options)) {
        readings[side].push(reading);
        print(`  ${round}/${repeat}  ${side.padEnd(7)}  ${readingText(reading)}`);
      }
    }
  }
  print(`\n${'median'.padEnd(40)}${SIDES.map((side) => side.padStart(10)).join('')}     ratio  target`);
  const { lines, isMet } = compareReadings(only, readings);
  for (const line of lines) print(line);
  return isMet;
}

/** Returns a row for each measure, and true if every target is met. */
export function compareReadings(only: readonly TimedStep[], readings: Readonly<Record<Side, readonly Reading[]>>) {
  const rows = only.map((measure) => {
    const of = (side: Side) => readings[side].filter((reading) => reading.measure === measure);
    return compareMeasure(measure, of('earlier'), of('now'));
  });
  return { lines: rows.map(({ line }) => line), isMet: rows.every(({ isMet }) => isMet) };
}

function readingText({ measure, value, failure, tests }: Reading): string {
  if (value === undefined) return `${TITLES[measure]}: failed, so it is not timed: ${failure}`;
  const passed = tests === undefined ? '' : `, ${tests} tests passed`;
  const failed = failure === undefined ? '' : `, timed without the failed ones (${failure})`;
  return `${TITLES[measure]}: ${value.toFixed(1)}${passed}${failed}`;
}

/**
 * Returns the row of a measure. Fewer tests in less time, a failed run of the present commit, and no successful run of
 * the earlier one miss the target.
 */
function compareMeasure(
  measure: TimedStep,
  earlier: readonly Reading[],
  now: readonly Reading[],
): { line: string; isMet: boolean } {
  const [before, after] = [earlier, now].map((readings) => median(readings.flatMap(({ value }) => value ?? [])));
  const [testsBefore, testsNow] = [earlier, now].map((readings) =>
    median(readings.flatMap(({ tests }) => tests ?? [])),
  );
  if (before === undefined || after === undefined || Number.isNaN(before / after)) {
    const failed = before === undefined || Number.isNaN(before) ? 'earlier' : 'now';
    return { line: `${TITLES[measure].padEnd(40)}  no ratio: every run of the ${failed} commit failed`, isMet: false };
  }
  const ratio = after / before;
  const hasFewerTests = testsBefore !== undefined && testsNow !== undefined && testsNow < testsBefore;
  const failures = [failuresText('earlier', earlier), failuresText('now', now)];
  const isMet = ratio <= TARGETS[measure] && !hasFewerTests && failures[1] === '';
  const figures = `${before.toFixed(1).padStart(10)}${after.toFixed(1).padStart(10)}`;
  const tests = measure === 'tests' ? `  tests: ${testsBefore} before, ${testsNow} now` : '';
  return {
    line: `${TITLES[measure].padEnd(40)}${figures}  ${isMet ? '✔' : '✖'}  ${ratio.toFixed(2)}x  ${TARGETS[measure]}x${failures.join('')}${tests}`,
    isMet,
  };
}

function failuresText(side: Side, readings: readonly Reading[]): string {
  const failed = readings.filter(({ failure }) => failure !== undefined).length;
  return failed === 0 ? '' : `  ${failed} of ${readings.length} runs of the ${side} commit failed`;
}

async function* measureAll(side: Side, { projects, only, environment }: CommandTimesOptions): AsyncGenerator<Reading> {
  const project = projects[side];
  if (only.some((measure) => ['cold', 'unchanged', 'memory'].includes(measure))) {
    rmSync(join(project, '.local'), { recursive: true, force: true });
    const cold = await startOnce(project, environment, 0);
    const unchanged = await startOnce(project, environment, only.includes('memory') ? IDLE_MS : 0);
    const readings: Reading[] = [
      { measure: 'cold', value: cold.seconds },
      { measure: 'unchanged', value: unchanged.seconds },
      { measure: 'memory', value: unchanged.megabytes },
    ];
    yield* readings.filter(({ measure }) => only.includes(measure));
  }
  if (only.includes('once')) yield { measure: 'once', value: await secondsOnce(project, environment) };
  if (only.includes('tests')) yield { measure: 'tests', ...(await runTests(project, { environment, side })) };
}

const IDLE_MS = 5000;

/** Starts the stack and stops it; returns the seconds until its ready line, and its memory if it idles for a while. */
async function startOnce(
  project: string,
  environment: NodeJS.ProcessEnv,
  idleMs: number,
): Promise<{ seconds: number; megabytes: number }> {
  const begun = performance.now();
  const npm = spawn('npm', ['start', '--silent', '--', '--json', '--no-traffic', '--port', '0'], {
    cwd: project,
    env: environment,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await Promise.race([once(createInterface({ input: npm.stdout }), 'line'), failed(npm, project)]);
  const seconds = (performance.now() - begun) / 1000;
  const { pid }: { pid: number } = JSON.parse(line);
  if (idleMs > 0) await sleep(idleMs);
  const megabytes = idleMs > 0 ? megabytesOf(pid) : 0;
  process.kill(pid, 'SIGTERM');
  await once(npm, 'close');
  return { seconds, megabytes };
}

async function failed(npm: ChildProcess, project: string): Promise<never> {
  const [code] = await once(npm, 'close');
  throw new Error(`npm start in ${project} ended with ${code} before it was ready`);
}

async function secondsOnce(project: string, environment: NodeJS.ProcessEnv): Promise<number> {
  const args = ['start', '--silent', '--', '--once', '--port', '0'];
  const begun = performance.now();
  const [code] = await once(spawn('npm', args, { cwd: project, env: environment, stdio: 'ignore' }), 'close');
  if (code !== 0) throw new Error(`npm ${args.join(' ')} in ${project} ended with ${code}`);
  return (performance.now() - begun) / 1000;
}

/** What jest writes about a run. */
interface TestReport {
  readonly numPassedTests: number;
  readonly testResults: readonly FileOutcome[];
}

interface FileOutcome {
  /** Path of the test file. */
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly TestOutcome[];
}

interface TestOutcome {
  readonly fullName: string;
  readonly status: string;
  /** Milliseconds. */
  readonly duration?: number | null;
}

/**
 * Runs all tests. A failing run of the present commit has no time, since a test that fails early may save minutes. One
 * of the earlier commit is timed without its failed tests, so that it cannot seem slower than it is.
 */
async function runTests(
  project: string,
  { environment, side }: { environment: NodeJS.ProcessEnv; side: Side },
): Promise<Omit<Reading, 'measure'>> {
  const folder = mkdtempSync(join(tmpdir(), 'test-report-'));
  try {
    const file = join(folder, 'report.json');
    const begun = performance.now();
    const args = ['test', '--', '--json', '--outputFile', file];
    const [code] = await once(spawn('npm', args, { cwd: project, env: environment, stdio: 'ignore' }), 'close');
    const seconds = (performance.now() - begun) / 1000;
    const report: TestReport | undefined = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    if (!report?.numPassedTests) return { failure: `exit code ${code}; no test passed` };
    const tests = report.numPassedTests;
    if (code === 0) return { value: seconds, tests };
    const failed = report.testResults.filter(({ status }) => status === 'failed').map(failuresOf);
    const failure = `exit code ${code}; ${failed.flatMap(({ names }) => names).join('; ')}`;
    const isTimed = side === 'earlier' && failed.length > 0 && failed.every(({ ran }) => ran);
    if (!isTimed) return { failure };
    return { value: seconds - failed.reduce((sum, file) => sum + file.seconds, 0), tests, failure };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the failed tests of a file and the seconds they took; `ran` is false if the file failed outside of them. */
function failuresOf({ name, assertionResults }: FileOutcome): { ran: boolean; names: string[]; seconds: number } {
  const failed = assertionResults.filter(({ status }) => status === 'failed');
  const ran = failed.length > 0;
  return {
    ran,
    names: ran ? failed.map(({ fullName }) => fullName) : [name],
    seconds: failed.reduce((sum, { duration }) => sum + (duration ?? 0), 0) / 1000,
  };
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
