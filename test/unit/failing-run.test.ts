import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'failing-run-'));
  for (const file of ['package.json', 'jest.config.js']) cpSync(join(ROOT, file), join(folder, file));
  for (const file of globSync('*.*', { cwd: join(ROOT, 'test') })) {
    cpSync(join(ROOT, 'test', file), join(folder, 'test', file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');

function write(source: string, project: string, name = 'one'): void {
  mkdirSync(join(folder, 'test', project), { recursive: true });
  writeFileSync(join(folder, 'test', project, `${name}.test.ts`), source);
}

/** Runs jest as configured on one file of this source, and returns its status and what `.ci/failed` names. */
function run(
  source: string,
  project = 'unit',
  options: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): { status: number | null; named: string; printed: string } {
  write(source, project);
  // Two workers, since one would run in the process of jest itself.
  const workers = options.includes('-i') ? [] : ['-w', '2'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [JEST, '--selectProjects', project, ...workers, ...options],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      timeout: 120_000,
    },
  );
  const { stdout: named } = spawnSync(join(ROOT, '.ci/failed'), ['npm test', String(status)], {
    input: stdout + stderr,
    encoding: 'utf8',
  });
  return { status, named, printed: stdout + stderr };
}

const HANG = 'new Promise(() => setTimeout(() => {}, 60_000))';

/** Files that fail, each in its own way: what happens, the source, and what `.ci/failed` names besides the file. */
const CULPRITS: readonly (readonly [what: string, source: string, culprit?: string])[] = [
  ['a test that fails', `describe('a sum', () => test('is right', () => expect(1 + 1).toBe(3)));`, 'a sum › is right'],
  ['a test that exceeds its time limit', `test('waits', () => ${HANG}, 100);`, 'waits'],
  [
    'a beforeAll that fails',
    `describe('prepared', () => { beforeAll(() => { throw new Error(); }); test('is fine', () => {}); });`,
    'prepared › (beforeAll)',
  ],
  [
    'a beforeAll that exceeds its time limit',
    `describe('long prepared', () => { beforeAll(() => ${HANG}, 100); test('is fine', () => {}); });`,
    'long prepared › (beforeAll)',
  ],
  ['an afterAll that fails', `afterAll(() => { throw new Error(); }); test('is fine', () => {});`, '(afterAll)'],
  ['a file without tests', 'export const COUNT = 0;'],
  ['a file that does not load', `import './absent.ts'; test('is fine', () => {});`],
  [
    'a promise that is rejected while a test runs',
    `test('forgets one', async () => { Promise.reject(new Error()); await new Promise((done) => setTimeout(done, 500)); });`,
    'forgets one',
  ],
  ['a test that calls process.exit', `test('exits', () => process.exit(0));`, 'exits'],
];

test('a run fails and .ci/failed names every file that fails and its culprit', () => {
  for (const [nth, [, source]] of CULPRITS.entries()) write(source, 'unit', `file-${nth}`);
  const { status, named, printed } = run(`test('is fine', () => {});`);

  expect(status).toBe(1);
  const summary = stripVTControlCharacters(printed);
  expect(summary).toContain(`Test Suites: ${CULPRITS.length} failed, 1 passed, ${CULPRITS.length + 1} total\n`);
  const lines = named.split('\n').filter((line) => line.startsWith('failed: npm test: '));
  const unnamed = CULPRITS.filter(([, , culprit], nth) => {
    const isNamed = (text: string) => lines.some((line) => line.endsWith(text));
    return !isNamed(`test/unit/file-${nth}.test.ts`) || (culprit !== undefined && !isNamed(`: ${culprit}`));
  });
  expect(unnamed).toEqual([]);
});

test('the run passes and .ci/failed names nothing if every test passes', () => {
  expect(run(`test('is fine', () => expect(1 + 1).toBe(2), 60_000);`)).toMatchObject({ status: 0, named: '' });
});

test.each([
  ['passes', ''],
  ['ends at its first failure', 'expect(1).toBe(2);'],
])('a run that %s leaves no temporary files behind', (_, last) => {
  const source = `import { mkdtempSync } from 'node:fs'; import { tmpdir } from 'node:os';
    test('makes one', () => { console.log('made', mkdtempSync(tmpdir() + '/one-')); ${last} });`;
  const made = /^made (.+)$/m.exec(run(source, 'unit', ['--bail']).printed)?.[1] ?? '';

  expect(made).toContain('/one-');
  expect(existsSync(made)).toBe(false);
});

test('a run in one thread that ends at its first failure counts the failed file once', () => {
  const { status, printed } = run(`test('fails', () => expect(1).toBe(2));`, 'unit', ['-i', '--bail']);

  expect(status).toBe(1);
  const summaries = stripVTControlCharacters(printed).match(/^Test Suites: .*$/gm);
  expect(summaries).toEqual(['Test Suites: 1 failed, 1 total']);
});

test.each(['unit', 'integration'])(
  'a run of %s tests that Ctrl-C ends leaves no temporary files behind',
  async (project) => {
    const note = join(folder, 'made');
    write(
      `import { mkdtempSync, renameSync, writeFileSync } from 'node:fs'; import { tmpdir } from 'node:os';
    test('waits', () => {
      writeFileSync('${note}.new', mkdtempSync(tmpdir() + '/one-'));
      renameSync('${note}.new', '${note}');
      return ${HANG};
    });`,
      project,
    );
    const args = [JEST, '--selectProjects', project, '-w', '2'];
    const child = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore', detached: true });
    const exited = once(child, 'exit');
    while (!existsSync(note) && child.exitCode === null) await sleep(50);
    const made = readFileSync(note, 'utf8');
    expect(existsSync(made)).toBe(true);
    // As a terminal does: to the whole group.
    process.kill(-(child.pid ?? Number.NaN), 'SIGINT');

    expect(await exited).toEqual([null, 'SIGINT']);
    expect([made, join(made, '..')].filter((each) => existsSync(each))).toEqual([]);
  },
);

// Each in a process of its own.
describe('A run of integration tests', () => {
  test('fails, prints all that the file printed, and names the test that fails', () => {
    const source = `test('fails', () => { for (let n = 1; n <= 5000; n += 1) console.log('line', n); expect(1).toBe(2); });`;
    const { status, named, printed } = run(source, 'integration');

    expect(status).toBe(1);
    expect(named).toContain('failed: npm test: fails\n');
    expect(printed).toContain('line 1\n');
    expect(printed).toContain('line 5000\n');
  });

  test.each([
    ['does not load', `import './absent.ts'; test('is fine', () => {});`],
    ['is killed', `test('dies', () => process.kill(process.pid, 'SIGKILL'));`],
  ])('fails, and names the file, if it %s', (_, source) => {
    const { status, named } = run(source, 'integration');

    expect(status).toBe(1);
    expect(named).toContain('test/integration/one.test.ts\n');
  });

  test.each([
    ['before its tests', `console.log('so far'); await ${HANG}; test('is fine', () => {});`],
    // Blocks the thread like a loop, without keeping a core busy.
    [
      'without giving up the thread',
      `console.log('so far'); test('waits', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));`,
    ],
  ])('fails, names the file and prints what it printed, if it hangs %s', (_, source) => {
    const { status, named, printed } = run(source, 'integration', [], { TEST_FILE_SECONDS: '5' });

    expect(status).toBe(1);
    expect(named).toContain('test/integration/one.test.ts\n');
    expect(printed).toContain('so far');
    expect(printed).toContain('was ended after 5 s: it hangs');
  });

  test('passes, and prints nothing of the file, if every test passes, even one that waits for what keeps no process alive', () => {
    const source = `test('waits', () => new Promise((done) => setTimeout(done, 100).unref())); console.log('so far');`;
    const { status, named, printed } = run(source, 'integration');

    expect({ status, named }).toEqual({ status: 0, named: '' });
    expect(printed).not.toContain('so far');
  });

  test('passes, and names what was played once more', () => {
    const source = `test('is fine', () => { console.log('so far'); console.log('once more: a day (late)'); });`;
    const { status, named, printed } = run(source, 'integration');

    expect({ status, named }).toEqual({ status: 0, named: 'once more: npm test: a day (late)\n' });
    expect(printed).not.toContain('so far');
  });
});
