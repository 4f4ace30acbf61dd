import { StartupError } from '../run/startup-error.ts';
import { DYNAMODB_LOCAL } from './dynamodb-local.ts';
import { DYNOXIDE } from './dynoxide.ts';
import { ENGINE_NAMES, type EngineName, type EngineProgram } from './engine-program.ts';

export interface EngineWish {
  /** @default the first that can run here */
  readonly name?: EngineName | undefined;
  /** True if a function consumes the stream of a table. */
  readonly needsStream: boolean;
}

export interface EngineChoice {
  readonly program: EngineProgram;
  /** Why it is not the preferred engine. */
  readonly because: string | undefined;
}

const PROGRAMS = [DYNOXIDE, DYNAMODB_LOCAL];

/** Throws a `StartupError` that lists every way out if the requested engine, or every engine, cannot run. */
export async function chooseEngine(
  { name, needsStream }: EngineWish,
  programs: readonly EngineProgram[] = PROGRAMS,
): Promise<EngineChoice> {
  const wanted = programs.filter((program) => name === undefined || program.name === name);
  const reasons = await Promise.all(wanted.map((program) => program.whyNot()));
  const able = wanted.filter((_, index) => reasons[index] === undefined);
  const [first] = able;
  if (first === undefined) {
    const found = wanted.map(({ title }, index) => `${title}: ${reasons[index]}`).join('; ');
    const problem = name === undefined ? 'No DynamoDB engine can run here' : `The engine ${name} cannot run here`;
    throw new StartupError(
      `${problem} (${found}): run \`npm ci\` on Linux x64, which installs dynoxide, ` +
        'or install Java 17 or later for DynamoDB Local (`sudo apt-get install default-jre-headless`, ' +
        '`brew install --cask temurin`).',
      2,
    );
  }
  const steady = needsStream ? able.find((program) => program.name === 'dynamodb-local') : undefined;
  if (steady !== undefined && steady !== first) {
    return { program: steady, because: `${first.title} slows down with every record of a stream` };
  }
  return { program: first, because: undefined };
}

/** Returns the engine of this name; throws a `StartupError`, naming `where`, for an unknown one. */
export function engineNamed(name: string | undefined, where: string): EngineName | undefined {
  if (name === undefined || name === '') return undefined;
  const known = ENGINE_NAMES.find((engine) => engine === name);
  if (known === undefined) throw new StartupError(`${where} is ${ENGINE_NAMES.join(' or ')}, not "${name}"`, 2);
  return known;
}
