import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';

// Its types describe the CommonJS file.
const { default: Sequencer }: typeof import('@jest/test-sequencer') = createRequire(import.meta.url)(
  '@jest/test-sequencer',
);

type Tests = Parameters<InstanceType<typeof Sequencer>['sort']>[0];

const SECONDS: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'seconds.json'), 'utf8'),
);

/** Starts the files that take longest first, so that no core waits for the last one; jest orders the others. */
export default class LongestFirst extends Sequencer {
  override async sort(tests: Tests): Promise<Tests> {
    const secondsOf = ({ path }: Tests[number]) => SECONDS[relative(import.meta.dirname, path)] ?? 0;
    return (await super.sort(tests)).toSorted((one, other) => secondsOf(other) - secondsOf(one));
  }
}
