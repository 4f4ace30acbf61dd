import type { Command, Option } from 'commander';
import { createProgram } from '../../../cli/parse-command-line.ts';
import { runCommand, stubDeployment } from '../../support/cli/command-line.ts';

/** Values that a flag with this placeholder cannot take, besides a blank one. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  n: ['x', '-1', '1.5'],
  seconds: ['x', '-1', '1.5'],
  hours: ['x', '-1', '1.5'],
  time: ['yesterday', '2026-11-31', '2026-11-22T08:00:00'],
  code: ['9x', 'many'],
  kind: ['none-such'],
  status: ['none-such'],
  state: ['none-such'],
  url: ['no url'],
};
/** A value of every argument and required option that is right. */
const RIGHT: Readonly<Record<string, string>> = {
  time: '2h',
  name: 'mg.example.com',
  text: 'because',
  address: 'ada@example.org',
  recipient: 'ada@example.org',
  source: 'ingest',
  shell: 'bash',
};

const program = await createProgram({} as Parameters<typeof createProgram>[0], () => async () => {});

function leaves(command: Command, path: string[]): { path: string[]; command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

const placeholder = ({ flags }: Option) => /<([^>]+)>/.exec(flags)?.[1] ?? '';
const rightFor = (name: string) => RIGHT[name] ?? 'x';

/** The command line, with everything that it must have but for this flag. */
function lineWithout(option: Option, { path, command }: { path: string[]; command: Command }): string[] {
  const args = command.registeredArguments.filter(({ required }) => required).map((each) => rightFor(each.name()));
  const others = command.options.filter((each) => each.mandatory && each !== option);
  const where = ['env', 'stack', 'local', 'port'].includes(option.attributeName()) ? [] : ['--local'];
  return [...path, ...args, ...others.flatMap((each) => [each.long ?? '', rightFor(placeholder(each))]), ...where];
}

const flags = leaves(program, []).flatMap((leaf) =>
  leaf.command.options
    .filter(({ required }) => required)
    .map((option) => ({ name: `${leaf.path.join(' ')} ${option.flags}`, leaf, option })),
);

test('the wrong values cover the flags of every command', () => {
  expect(flags.length).toBeGreaterThan(100);
});

describe.each(flags)('$name', ({ leaf, option }) => {
  const wrong = ['', ' ', ...(WRONG[placeholder(option)] ?? [])];
  test(`exits with 2 and changes nothing for ${wrong.map((value) => JSON.stringify(value)).join(', ')}`, async () => {
    for (const value of wrong) {
      const { exitCode, lines, errors } = await runCommand([...lineWithout(option, leaf), `${option.long}=${value}`], {
        openDeployment: () => {
          throw new Error(`${option.long}=${value} got as far as the stack`);
        },
      });
      expect({ value, exitCode, lines, errors }).toEqual({
        value,
        exitCode: 2,
        lines: [],
        errors: [expect.any(String)],
      });
    }
  });
});

test.each(flags)('$name with another option in place of its value says that it needs one', async ({ leaf, option }) => {
  for (const other of ['--local', '--port=4010', '--help']) {
    const { exitCode, lines, errors } = await runCommand([...lineWithout(option, leaf), option.long ?? '', other]);
    const message = `${option.long} needs a value; ${other} in its place is an option`;
    expect({ exitCode, lines, errors }).toEqual({ exitCode: 2, lines: [], errors: [message] });
  }
});

test.each(leaves(program, []).filter(({ command }) => command.registeredArguments.length > 0))(
  'a blank argument of $path exits with 2',
  async ({ path, command }) => {
    const { exitCode, errors } = await runCommand([...path, ...command.registeredArguments.map(() => ' '), '--local']);
    expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [expect.any(String)] });
  },
);

/** A value that each flag takes, by its placeholder. */
const TAKEN: Readonly<Record<string, string>> = {
  n: '1',
  seconds: '1',
  hours: '1',
  code: '503',
  url: 'https://ledger.example',
  api: 'events',
  'begin:end:date': '1:2:1',
};
const takenBy = (option: Option) =>
  option.argChoices?.[0] ?? TAKEN[placeholder(option)] ?? RIGHT[placeholder(option)] ?? 'x';
const isRepeatable = ({ description }: Option) => /may be repeated/.test(description);

test.each(flags.filter(({ option }) => !isRepeatable(option)))(
  '$name of two values exits with 2, since one of both would be dropped',
  async ({ leaf, option }) => {
    const [one, other] = [takenBy(option), `${takenBy(option)}0`];
    const twice = [`${option.long}=${one}`, `${option.long}=${other}`];
    const { exitCode, lines, errors } = await runCommand([...lineWithout(option, leaf), ...twice]);
    expect({ exitCode, lines, errors }).toEqual({
      exitCode: 2,
      lines: [],
      errors: [`${option.long} is given twice, as ${one} and ${other}; give it once`],
    });
  },
);

test.each(flags.filter(({ option }) => ['--from', '--since'].includes(option.long ?? '')))(
  '$name of a time to come exits with 2, since nothing fits',
  async ({ leaf, option }) => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    const { exitCode, lines, errors } = await runCommand([...lineWithout(option, leaf), `${option.long}=${tomorrow}`]);
    expect({ exitCode, lines, errors }).toEqual({
      exitCode: 2,
      lines: [],
      errors: [`${option.long} has not come yet`],
    });
  },
);

test.each(flags.filter(({ option }) => option.long === '--domain'))(
  '$name means the domain in any case',
  async ({ leaf, option }) => {
    const openDeployment = async () => stubDeployment({ domains: ['mg.example.com'] });
    const of = async (domain: string) => {
      const { exitCode, errors } = await runCommand([...lineWithout(option, leaf), '--domain', domain], {
        openDeployment,
      });
      return { exitCode, errors };
    };
    const ours = await of('mg.example.com');
    expect(await of(' MG.Example.COM ')).toEqual(ours);
    expect(ours.errors.join()).not.toContain('is not one of');
  },
);

test('the same value twice is no contradiction, as where a printed command is pasted behind another', async () => {
  const { errors } = await runCommand(['listing', '--local', '--port', '4010', '--local', '--port', '4010']);
  expect(errors).toEqual(['the stub has none']);
});
