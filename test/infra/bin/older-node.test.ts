import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const BIN = join(import.meta.dirname, '../../../bin');
const entries = readdirSync(BIN).filter((name) => name.endsWith('.ts'));

test.each(entries)('%s prints one sentence under a Node version that cannot load TypeScript', (name) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-strip-types', join(BIN, name)], {
    encoding: 'utf8',
  });

  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /^Node v\S+ reads no TypeScript, which takes 22\.18 or later: .*node_modules\/\.bin\/node.*\n$/,
    ),
  });
});
