import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const FAILED = join(import.meta.dirname, '../../.ci/failed');

const LOG = `
\u001b[41m FAIL \u001b[0m integration test/integration/lib/alarm.test.ts (53.2 s)
  ● Console

    console.log
      ● not a test

  ● alarms › $name / it's "red" › sets off a & b

    expect(received).toEqual(expected)

PASS integration test/integration/lib/late.test.ts
  ● Console

    console.log
      once more: a normal day (bounces went off)

PASS unit test/unit/fine.test.ts
FAIL unit test/unit/broken.test.ts
  ● Test suite failed to run

Summary of all failing tests
FAIL integration test/integration/lib/alarm.test.ts (53.2 s)
  ● alarms › $name / it's "red" › sets off a & b

  ● on a normal day no alarm goes off

Tests:       2 failed, 1 passed, 3 total
`;

const failed = (step: string, status: number, log: string) =>
  execFileSync(FAILED, [step, String(status)], { input: log, encoding: 'utf8' });

test('.ci/failed names each failed test and file of a step once, and what was repeated', () => {
  expect(failed('npm test', 1, LOG).trimEnd().split('\n')).toEqual([
    'failed: npm test: integration test/integration/lib/alarm.test.ts',
    `failed: npm test: alarms › $name / it's "red" › sets off a & b`,
    'once more: npm test: a normal day (bounces went off)',
    'failed: npm test: unit test/unit/broken.test.ts',
    'failed: npm test: Test suite failed to run',
    'failed: npm test: on a normal day no alarm goes off',
    'failed: npm test: exit code 1',
  ]);
});

test('.ci/failed names what was repeated although it passed in the end', () => {
  expect(
    failed('npm test & more', 0, '  console.log\n    once more: a normal day (late)\nTests:       3 passed\n'),
  ).toBe('once more: npm test & more: a normal day (late)\n');
});

test('.ci/failed prints nothing for a step that passed', () => {
  expect(failed('npm test', 0, 'PASS unit test/unit/fine.test.ts\nTests:       3 passed, 3 total\n')).toBe('');
});
