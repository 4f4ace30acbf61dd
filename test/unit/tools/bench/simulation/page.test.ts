import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { graph } from '../../../../../tools/bench/simulation/graph.ts';

const PAGE = join(import.meta.dirname, '../../../../../tools/bench/simulation/page.ts');

test('the page on scale and its graphs are those that `npm run docs` writes', async () => {
  // In a process of its own, where the loops of a simulated month are not instrumented.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [PAGE, '--check']);

  expect(stdout + stderr).toBe('');
}, 120_000);

test('a graph draws each point inside its frame, the highest at a round number', () => {
  const points = [
    [0, 0],
    [10, 350],
  ] as const;
  const svg = graph('A title', 'minutes', [{ name: 'one', colour: '#000', points }]);

  expect(svg).toContain('d="M70.0 224.0L708.0 63.0"');
  expect(svg).toContain('>400</text>');
});
