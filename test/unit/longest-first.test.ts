import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import LongestFirst from '../longest-first.ts';

const TEST = join(import.meta.dirname, '..');
const SECONDS: Record<string, number> = JSON.parse(readFileSync(join(TEST, 'seconds.json'), 'utf8'));

test('every file with a recorded duration exists', () => {
  expect(Object.keys(SECONDS).filter((file) => !existsSync(join(TEST, file)))).toEqual([]);
});

test('the slowest test files start first, and unknown ones last', async () => {
  const context = { config: { cacheDirectory: '/nowhere', id: 'unit', haste: {} }, hasteFS: { getSize: () => 0 } };
  const files = [
    'unit/architecture.test.ts',
    'model/reconcile-month.test.ts',
    'integration/cli/commands/dlq-kill.test.ts',
  ];
  const order = await new LongestFirst({ contexts: [], globalConfig: {} } as never).sort(
    files.map((file) => ({ path: join(TEST, file), context })) as never,
  );

  expect(order.map(({ path }) => path.slice(TEST.length + 1))).toEqual(files.toReversed());
});
