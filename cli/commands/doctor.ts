import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type CommandBuilder, ledgerCommand, type PlaceOptions, placeOf, type World } from '../command.ts';
import { NoSuchStack, OutOfReach, WrongInput } from '../errors.ts';
import { createTell } from '../output.ts';
import { awsSentence } from '../target/aws-errors.ts';
import { environmentOf, readEnvironments } from '../target/environments.ts';
import type { Place, Target } from '../target/types.ts';
import { type AccountPlace, accountChecks } from './doctor/account-checks.ts';
import type { Check, DoctorLine, Finding } from './doctor/check.ts';
import { machineChecks } from './doctor/machine-checks.ts';
import { checkOrigin, originChecks } from './doctor/origin-checks.ts';
import { stackChecks } from './doctor/stack-checks.ts';

interface DoctorOptions extends PlaceOptions {
  readonly origin?: string;
}

const EXAMPLES = `
Every line is ok, a warning, wrong, unknown or skipped; the line below it says what mends it. No secret is ever shown.
With --origin it walks instead through what a browser on a page of that origin would meet at the read API (CORS).

Examples:
  npm run ledger -- doctor --env prod
  npm run ledger -- doctor --local
  npm run ledger -- doctor --env prod --origin https://mail.example.com

Exit code: 0 nothing is wrong or unknown; 1 something is; 2 wrong usage.`;

export const doctorCommand: CommandBuilder = (world, run) =>
  ledgerCommand('doctor', 'looks for what keeps the stack from working, and says what mends it')
    .option('--origin <url>', 'walks through what a browser at this origin would meet')
    .addHelpText('after', EXAMPLES)
    .action(run<DoctorOptions>((options) => doctor(world, options)));

async function doctor(world: World, options: DoctorOptions): Promise<number> {
  const place = placeOf(options, world.environment);
  const tell = createTell<DoctorLine>(world, options.json);
  let isSound = true;
  for await (const { name, look } of checksOf(world, place, options.origin)) {
    const { state, says, fix = null } = await lookAt(look);
    isSound &&= state !== 'wrong' && state !== 'unknown';
    tell({ event: 'check', check: name, state, says, fix }, ...lineText(name, state, says, fix));
  }
  return isSound ? 0 : 1;
}

/** What can be looked at without a stack comes first, since it tells why there is none. */
async function* checksOf(world: World, place: Place, origin: string | undefined): AsyncGenerator<Check> {
  if (origin !== undefined) {
    const checked = checkOrigin(origin);
    yield* originChecks(await world.findTarget(place), checked);
    return;
  }
  const account = await accountOf(world, place);
  yield* machineChecks({ nodeVersion: process.versions.node, readJavaVersion }, place.kind === 'local');
  yield* accountChecks(account);
  const found = await findStack(world, place);
  yield { name: 'stack', look: async () => found.finding };
  if (found.target) yield* stackChecks({ target: found.target, account: account?.account, now: world.now });
}

async function accountOf(world: World, place: Place): Promise<AccountPlace | undefined> {
  if (place.kind === 'local') return undefined;
  const { environment: name } = place;
  const environment = environmentOf(readEnvironments(), name);
  return { name, environment, account: await world.openAccount(environment.region) };
}

async function findStack(world: World, place: Place): Promise<{ finding: Finding; target?: Target }> {
  try {
    const target = await world.findTarget(place);
    return { finding: { state: 'ok', says: target.stackName }, target };
  } catch (error) {
    if (!(error instanceof OutOfReach)) throw error;
    const fix = stackFix(place, error);
    return { finding: { state: 'wrong', says: error.message, ...(fix !== undefined && { fix }) } };
  }
}

/** Where it is there and cannot be read, the lines above tell what to do. */
function stackFix(place: Place, error: OutOfReach): string | undefined {
  if (place.kind === 'local') return `npm start -- --port ${place.port}`;
  return error instanceof NoSuchStack ? `npx cdk deploy -c env=${place.environment}` : undefined;
}

async function lookAt(look: Check['look']): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof WrongInput) throw error;
    const says = error instanceof OutOfReach ? error.message : awsSentence(error);
    if (says === undefined) throw error;
    return { state: 'unknown', says };
  }
}

/** Fits `last slice of mg.example.com`. */
const NAME_WIDTH = 30;
const MARKS = { ok: 'ok', warning: 'warning', wrong: 'WRONG', unknown: 'unknown', skipped: '-' };

function lineText(name: string, state: Finding['state'], says: string, fix: string | null): string[] {
  const line = `${MARKS[state].padEnd(9)}${name.padEnd(NAME_WIDTH)}  ${says}`;
  return fix === null ? [line] : [line, `${' '.repeat(9 + NAME_WIDTH)}  fix: ${fix}`];
}

async function readJavaVersion(): Promise<string | undefined> {
  try {
    // It answers on standard error.
    const { stdout, stderr } = await promisify(execFile)('java', ['-version']);
    return stderr + stdout;
  } catch {
    return undefined;
  }
}
