import type { Command } from 'commander';
import type { CliContext } from '../../../cli/command.ts';
import { commandPage } from '../../../cli/command-page.ts';
import { HELP_TOPICS } from '../../../cli/commands/help.ts';
import { TargetUnavailableError } from '../../../cli/errors.ts';
import { EXIT_CODES, exitCodeText } from '../../../cli/exit-codes.ts';
import { createProgram } from '../../../cli/parse-command-line.ts';
import { runCommand } from '../../support/cli/command-line.ts';

interface Leaf {
  path: string[];
  command: Command;
}

/** Every command that does something, and how it is called. */
function leavesOf(command: Command, path: string[] = []): Leaf[] {
  const inner = command.createHelp().visibleCommands(command);
  const own = inner.filter((each) => path.length === 0 || each.name() !== 'help');
  if (own.length === 0) return [{ path, command }];
  return own.flatMap((each) => leavesOf(each, [...path, each.name()]));
}

/** Commands that read all others. */
const OF_ALL = new Set(['help', 'completion']);

const leaves = leavesOf(await createProgram({} as CliContext, () => async () => {}));
const named = leaves.map((leaf) => ({ name: leaf.path.join(' '), ...leaf }));

/** Arguments that a command can read. */
const argumentsOf = ({ registeredArguments }: Command) =>
  registeredArguments.filter(({ required }) => required).map(({ argChoices }) => argChoices?.[0] ?? '2026-11-22');

const outOfReach = async () => {
  throw new TargetUnavailableError('out of reach');
};

const { FORCE_COLOR, NO_COLOR } = process.env;
afterEach(() => {
  for (const [name, value] of Object.entries({ FORCE_COLOR, NO_COLOR })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test('the list of commands has sub-commands too', () => {
  expect(named.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['status', 'dlq redrive', 'help', 'completion']),
  );
  expect(named.length).toBeGreaterThan(40);
});

test('a line that names a command loads that command alone', async () => {
  for (const name of new Set(named.map(({ path: [first = ''] }) => first).filter((each) => !OF_ALL.has(each)))) {
    const { commands } = await createProgram({} as CliContext, () => async () => {}, [name, '--help']);
    expect(commands.map((command) => command.name())).toEqual([name]);
  }
});

test.each([['help'], ['completion'], ['--help'], ['constructor'], ['']])(
  'the line "%s" loads all commands',
  async (...line) => {
    const { commands } = await createProgram({} as CliContext, () => async () => {}, line);
    expect(commands.length).toBeGreaterThan(20);
  },
);

test('every command has a row of the exit codes, and every row a command', () => {
  expect(Object.keys(EXIT_CODES).toSorted()).toEqual(named.map(({ name }) => name).toSorted());
});

describe.each(named)('$name', ({ path, command }) => {
  test('prints only JSON lines with --json, errors included', async () => {
    const { lines, errors } = await runCommand([...path, ...argumentsOf(command), '--json'], {
      environment: { LEDGER_TARGET: 'local' },
      openDeployment: outOfReach,
    });
    expect(errors).toEqual([]);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ event: expect.any(String) });
  });

  test('lists its exit codes in its help, always without colors', async () => {
    process.env.FORCE_COLOR = '3';
    const { exitCode, lines } = await runCommand([...path, '--help']);
    delete process.env.FORCE_COLOR;
    process.env.NO_COLOR = '1';
    const plain = await runCommand([...path, '--help']);

    expect(exitCode).toBe(0);
    expect(lines.join('\n')).toContain(exitCodeText(EXIT_CODES[path.join(' ')] ?? {}));
    expect(lines.join('\n')).not.toContain('\u001b');
    expect(plain.lines).toEqual(lines);
  });
});

test.each(Object.entries(HELP_TOPICS))(
  'help %s is formatted like a man page, and its references exist',
  async (name, topic) => {
    const { exitCode, lines } = await runCommand(['help', name]);

    expect([exitCode, lines.join('\n')]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^NAME\n  ${name} - .*\n\nDESCRIPTION\n  [\\s\\S]*\n\nSEE ALSO\n  help `)),
    ]);
    for (const each of topic.seeAlso) expect((await runCommand(['help', ...each.split(' ')])).exitCode).toBe(0);
  },
);

test('help exit-codes and the page of commands hold every row', async () => {
  const shown = (await runCommand(['help', 'exit-codes'])).lines.join('\n');
  for (const text of [shown, await commandPage()]) {
    for (const [name, codes] of Object.entries(EXIT_CODES)) {
      for (const meaning of Object.values(codes)) expect(text).toContain(meaning);
      expect(text).toMatch(new RegExp(`^ *${name} +0  `, 'm'));
    }
  }
});

test('help with the name of an alarm shows its section of the runbook', async () => {
  const { lines } = await runCommand(['help', 'dead-letters']);
  expect(lines.join('\n')).toMatch(/^## dead-letters[\s\S]*Means/);
});

test('help on the name of both a command and an alarm shows both', async () => {
  const { lines } = await runCommand(['help', 'unconfirmed']);
  expect(lines.join('\n')).toMatch(/^Usage: [\s\S]*^## unconfirmed[\s\S]*Means/m);
});

test('help accepts the target that an alarm prints, and calls no stack', async () => {
  for (const target of [
    ['--local', '--port', '4010'],
    ['--env', 'prod'],
    ['--stack', 'x'],
  ]) {
    const openDeployment = () => Promise.reject(new Error('asked'));
    expect((await runCommand(['help', 'dead-letters', ...target], { openDeployment })).exitCode).toBe(0);
  }
});

test('help on an unknown topic lists the known ones', async () => {
  const { exitCode, errors } = await runCommand(['help', 'colour']);
  expect([exitCode, errors]).toEqual([2, [expect.stringMatching(/no help on colour; there are targets, times, json/)]]);
});
