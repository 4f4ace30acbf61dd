import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { compareCommands, compareReadings, type TimedStep } from '../../../../tools/bench/command-times.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'command-times-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes its arguments down, and does what the project's file `test` or `start` says. */
const NPM = `#!/bin/sh
if [ "$1" = test ]; then echo "\${PWD##*/} test $CHROMIUM_PATH" >> ../calls; . ./test; fi
echo "\${PWD##*/} $* $CHROMIUM_PATH" >> ../calls
case "$*" in *--json*) echo "{\\"pid\\":$$}"; while :; do sleep 0.05; done;; esac
`;

/** Shell lines of a run of tests: its report, as jest writes it to the file that is named last, and its exit code. */
const runOf = (report: object, code: number) => `cat > "$5" <<'END'\n${JSON.stringify(report)}\nEND\nexit ${code}`;
const passing = (tests: number) => runOf({ numPassedTests: tests, testResults: [] }, 0);
const failing = (file: { name: string; assertionResults: object[] }) =>
  runOf({ numPassedTests: 9, testResults: [{ status: 'failed', ...file }] }, 1);
/** A run in which one of ten tests fails, after an hour by its own report. */
const oneFails = failing({
  name: 'a.test.ts',
  assertionResults: [
    { fullName: 'one', status: 'passed', duration: 1 },
    { fullName: 'a late event is found', status: 'failed', duration: 3_600_000 },
  ],
});
const fileFails = failing({ name: 'a.test.ts', assertionResults: [] });

/** Compares two projects whose `npm` is a stub. */
async function compare(only: readonly TimedStep[], tests: { earlier: string; now: string }, repeat = 1) {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'npm'), NPM);
  chmodSync(join(bin, 'npm'), 0o755);
  const projects = { earlier: join(folder, 'earlier'), now: join(folder, 'now') };
  for (const side of ['earlier', 'now'] as const) {
    mkdirSync(projects[side]);
    writeFileSync(join(projects[side], 'test'), tests[side]);
  }
  const lines: string[] = [];
  const environment = { PATH: bin + delimiter + process.env.PATH, CHROMIUM_PATH: '/a/browser' };
  const isMet = await compareCommands({ projects, only, repeat, environment, print: (line) => lines.push(line) });
  const calls = readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n');
  return { isMet, lines, calls };
}

test('the chosen commands run by turns, with the environment that was given', async () => {
  const { lines, calls } = await compare(['cold', 'once', 'tests'], { earlier: passing(10), now: passing(12) }, 2);

  const start = 'start --silent -- --json --no-traffic --port 0 /a/browser';
  const round = ['earlier', 'now'].flatMap((side) => [
    `${side} ${start}`,
    `${side} ${start}`,
    `${side} start --silent -- --once --port 0 /a/browser`,
    `${side} test /a/browser`,
  ]);
  expect(calls).toEqual([...round, ...round]);
  expect(lines.filter((line) => /^ {2}[12]\/2/.test(line))).toHaveLength(2 * 2 * 3);
  expect(lines.at(-1)).toMatch(/^npm test \(s\) .* \d+\.\d\dx {2}0\.6x {2}tests: 10 before, 12 now$/);
});

test.each([
  {
    side: 'now' as const,
    what: 'test',
    tests: { earlier: passing(10), now: oneFails },
    named: 'a late event is found',
  },
  { side: 'now' as const, what: 'file', tests: { earlier: passing(10), now: fileFails }, named: 'a.test.ts' },
  { side: 'earlier' as const, what: 'file', tests: { earlier: fileFails, now: passing(12) }, named: 'a.test.ts' },
])('a failing $what of the $side commit is named, and the run is not timed', async ({ side, tests, named }) => {
  const { isMet, lines } = await compare(['tests'], tests);

  expect(isMet).toBe(false);
  expect(lines).toContainEqual(
    `  1/1  ${side.padEnd(7)}  npm test (s): failed, so it is not timed: exit code 1; ${named}`,
  );
  expect(lines.at(-1)).toContain(`no ratio: every run of the ${side} commit failed`);
});

test('a failing run of the earlier commit is timed without its failed tests', async () => {
  const { lines } = await compare(['tests'], { earlier: oneFails, now: passing(12) });

  expect(lines).toContainEqual(
    expect.stringMatching(
      /^ {2}1\/1 {2}earlier {2}npm test \(s\): -3[56]\d\d\.\d, 9 tests passed, timed without the failed ones \(exit code 1; a late event is found\)$/,
    ),
  );
  expect(lines.at(-1)).toContain('1 of 1 runs of the earlier commit failed  tests: 9 before, 12 now');
});

test.each([
  { outcome: 'no report', now: 'exit 0', code: 0 },
  { outcome: 'a report without a passed test', now: runOf({ numPassedTests: 0, testResults: [] }, 1), code: 1 },
])('a run of tests with $outcome is a failing one, whatever its exit code', async ({ now, code }) => {
  const { isMet, lines } = await compare(['tests'], { earlier: passing(10), now });

  expect(isMet).toBe(false);
  expect(lines.join('\n')).toContain(`exit code ${code}; no test passed`);
});

const timed = (value: number, tests?: number) => ({
  measure: 'tests' as const,
  value,
  ...(tests !== undefined && { tests }),
});

test.each([
  { name: 'at the target', now: [timed(60, 10)], ratio: '✔  0.60x', isMet: true },
  { name: 'above the target', now: [timed(61, 10)], ratio: '✖  0.61x', isMet: false },
  { name: 'with fewer tests', now: [timed(30, 9)], ratio: '✖  0.30x', isMet: false },
  {
    name: 'of runs of which one failed',
    now: [timed(50, 10), { measure: 'tests' as const, failure: 'exit code 1' }],
    ratio: '✖  0.50x  0.6x  1 of 2 runs of the now commit failed',
    isMet: false,
  },
])('the ratio of times $name is printed, and decides whether the target is met', ({ now, ratio, isMet }) => {
  const earlier = [timed(100, 10), timed(90, 10), timed(110, 10)];
  const compared = compareReadings(['tests'], { earlier, now });

  expect(compared.lines).toEqual([expect.stringContaining(ratio)]);
  expect(compared.isMet).toBe(isMet);
});

test('a failed run of the earlier commit is named, and misses no target by itself', () => {
  const failed = { measure: 'tests' as const, failure: 'exit code 1' };
  const { lines, isMet } = compareReadings(['tests'], {
    earlier: [timed(100, 10), failed, failed],
    now: [timed(50, 10), timed(50, 10)],
  });

  expect(lines).toEqual([expect.stringMatching(/✔ {2}0\.50x {2}0\.6x {2}2 of 3 runs of the earlier commit failed/)]);
  expect(isMet).toBe(true);
});

test('one missed target is enough to fail', () => {
  const once = (value: number) => ({ measure: 'once' as const, value });
  const readings = { earlier: [timed(100, 10), once(10)], now: [timed(50, 10), once(9)] };

  expect(compareReadings(['tests'], readings).isMet).toBe(true);
  expect(compareReadings(['tests', 'once'], readings).isMet).toBe(false);
});
