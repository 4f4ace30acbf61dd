import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { findChromium } from '../../test/support/pages/browser.ts';
import { checkOut } from './checkout.ts';
import { compareCommands, MEASURES } from './command-times.ts';

const HELP = `npm run bench:starts [-- --against COMMIT] [--repeat N] [--only MEASURE,…]

Measures how long the commands of the README take, side by side with an earlier commit: the two take
turns, both as committed, each with its own packages. Wants the machine to itself.

  --against COMMIT  the earlier commit (f983ae6), which needs Java 17 on the path or in JAVA_HOME
  --repeat N        how often each is measured; medians are printed (5)
  --only MEASURE,…  cold, unchanged, memory, once, tests (all but tests, which take half an hour each)

\`--only tests --repeat 1\` compares \`npm test\` once: the ratio of times, and how many tests passed.
What failed is named. A failing run of the present commit is not timed; one of the earlier commit is,
without its failed tests. The tests get CHROMIUM_PATH, or a browser that is found here.

Exit code 0: every target of the table is met; 1: one is not, a run of the present commit failed, or
every run of the earlier one.`;

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
  const projects = {
    earlier: checkOut(values.against, join(folder, 'earlier')),
    now: checkOut('HEAD', join(folder, 'now')),
  };
  // Both projects: a process run by this folder's node would share its pages with this one, and seem smaller.
  for (const project of Object.values(projects)) execFileSync('npm', ['ci', '--silent'], { cwd: project });
  const environment = await environmentOfCommands();
  const isMet = await compareCommands({ projects, only, repeat, environment, print: (line) => console.log(line) });
  if (!isMet) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** Adds what the earlier commit does not find by itself. */
async function environmentOfCommands(): Promise<NodeJS.ProcessEnv> {
  const { PATH = '', JAVA_HOME } = process.env;
  return {
    ...process.env,
    ...(JAVA_HOME && { PATH: `${join(JAVA_HOME, 'bin')}${delimiter}${PATH}` }),
    ...(only.includes('tests') && { CHROMIUM_PATH: await findChromium() }),
  };
}

function wrongMeasure(name: string): string {
  return `--only must list measures (${MEASURES.join(', ')}), not "${name}"`;
}

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}
