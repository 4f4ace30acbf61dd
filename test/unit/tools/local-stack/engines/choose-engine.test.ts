import { chooseTableEngine } from '../../../../../tools/local-ledger/stack-settings.ts';
import { chooseEngine, engineNamed } from '../../../../../tools/local-stack/engines/choose-engine.ts';
import type { EngineName, EngineProgram } from '../../../../../tools/local-stack/engines/engine-program.ts';

const program = (name: EngineName, whyNot?: string): EngineProgram => ({
  name,
  title: name,
  whyNot: async () => whyNot,
  command: () => ({ file: name, args: [] }),
});
const dynoxide = program('dynoxide');
const dynamodbLocal = program('dynamodb-local');
const noDynoxide = program('dynoxide', 'the package is not installed');
const noJava = program('dynamodb-local', 'needs Java 17');

test.each([
  { name: 'both can run', programs: [dynoxide, dynamodbLocal], chosen: 'dynoxide' },
  { name: 'there is no Java', programs: [dynoxide, noJava], chosen: 'dynoxide' },
  { name: 'there is no package', programs: [noDynoxide, dynamodbLocal], chosen: 'dynamodb-local' },
  { name: 'a stream is consumed', programs: [dynoxide, dynamodbLocal], needsStream: true, chosen: 'dynamodb-local' },
  { name: 'a stream is consumed, without Java', programs: [dynoxide, noJava], needsStream: true, chosen: 'dynoxide' },
])('where $name, $chosen holds the tables', async ({ programs, needsStream = false, chosen }) => {
  const { program, because } = await chooseEngine({ needsStream }, programs);

  expect(program.name).toBe(chosen);
  expect(because === undefined).toBe(!needsStream || chosen === 'dynoxide');
});

test('the requested engine is used even if a stream is consumed', async () => {
  const wish = { name: 'dynoxide', needsStream: true } as const;

  expect(await chooseEngine(wish, [dynoxide, dynamodbLocal])).toEqual({ program: dynoxide, because: undefined });
});

test.each([
  {
    engine: 'no engine',
    name: undefined,
    parts: [/^No DynamoDB engine can run here/, /the package is not installed/, /needs Java 17/],
  },
  {
    engine: 'not the requested engine',
    name: 'dynamodb-local' as const,
    parts: [/^The engine dynamodb-local cannot run here/, /needs Java 17/],
  },
])('where $engine can run, one sentence gives both ways out, with exit code 2', async ({ name, parts }) => {
  const choice = chooseEngine({ name, needsStream: false }, [noDynoxide, noJava]);

  const error = await choice.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ name: 'StartupError', exitCode: 2 });
  for (const part of [...parts, /npm ci.*Linux x64/, /install Java 17/]) expect(error.message).toMatch(part);
  expect(error.message.match(/[.!?](?=\s|$)/g)).toEqual(['.']);
});

test('the engine flag wins over the environment, and the environment over the default', async () => {
  const environment = { LEDGER_ENGINE: 'nonsense' };

  await expect(async () => chooseTableEngine({ needsStream: false }, environment)).rejects.toThrow(
    'LEDGER_ENGINE is dynoxide or dynamodb-local, not "nonsense"',
  );
  expect(engineNamed('', 'LEDGER_ENGINE')).toBeUndefined();
});
