import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PAGE = join(import.meta.dirname, '../../../../tools/bench/page.ts');

test('the page of benchmarks prices what was measured by the template and the prices of today', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [PAGE, '--check']);

  expect(stdout + stderr).toBe('');
}, 60_000);
