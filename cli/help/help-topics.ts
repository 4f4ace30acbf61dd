import { EVERY_COMMAND, exitCodeTable, exitCodeText } from '../exit-codes.ts';

/** A page of `help`. */
export interface HelpTopic {
  /** A summary for the list of topics. */
  readonly summary: string;
  readonly description: string;
  /** Commands and topics that go on from here. */
  readonly seeAlso: readonly string[];
}

/** Facts about several commands, by the name that `help` takes. */
export const HELP_TOPICS: Readonly<Record<string, HelpTopic>> = {
  targets: {
    summary: 'which stack a command works on',
    description: `
--env <name>     the stack of this environment of cdk.json on AWS, with the credentials of the shell
--stack <name>   the stack of this name, in the AWS_REGION of the shell; cdk.json is not needed
--local          the stack that runs on this machine; --port <n> where several run

Without any of them LEDGER_TARGET decides: <env>, stack:<name>, local, or local:<port>. They cannot be combined. All that
a command needs, it finds by the outputs of the stack.

Example:
  LEDGER_TARGET=prod npm run ledger -- status`,
    seeAlso: ['environment', 'doctor'],
  },
  times: {
    summary: 'how times are written',
    description: `
All times are in UTC. A command takes
  2026-11-22T08:00:00Z, 2026-11-22T10:00:00+02:00   ISO 8601, with an offset
  2026-11-22                                        a date: its first second
  1795334400                                        epoch seconds
  45s, 30m, 2h, 3d                                  a duration ago

A range holds its beginning and not its end.

Example:
  npm run ledger -- replay --env prod --from 2026-11-22 --to 2h --plan`,
    seeAlso: ['replay', 'report', 'tail'],
  },
  json: {
    summary: 'what --json prints',
    description: `
Every command takes --json, export with --out only, and none together with --csv. Each line of standard output is then
one JSON object, whose "event" says what it is. An error
is {"event":"error","message"}, on standard output too. Progress, questions and hints go to standard error. Lines may get
more fields; none is renamed within a major version.
mcp speaks the Model Context Protocol, so --json changes nothing there.

Example:
  npm run --silent ledger -- tail --local --json | jq -r 'select(.event == "stored").entry.recipient'`,
    seeAlso: ['exit-codes', 'tail'],
  },
  'exit-codes': {
    summary: 'how each command exits',
    description: `
${exitCodeText(EVERY_COMMAND)}

${exitCodeTable()}`,
    seeAlso: ['json'],
  },
  environment: {
    summary: 'variables that commands read',
    description: `
LEDGER_TARGET       the stack, where no option says it
LEDGER_MAILGUN_KEY  a Mailgun API key that may write, for commands with --write-key
AWS_REGION, AWS_PROFILE and all else that the AWS SDK reads: region and credentials
NO_COLOR            holds by itself: no command prints colors, with or without a terminal`,
    seeAlso: ['targets', 'keys set'],
  },
};

/** Returns a topic as a page in the manner of man. */
export function helpPage(name: string, { summary, description, seeAlso }: HelpTopic): string {
  const indented = description.trim().replaceAll(/^(?=.)/gm, '  ');
  return [
    'NAME',
    `  ${name} - ${summary}`,
    '',
    'DESCRIPTION',
    indented,
    '',
    'SEE ALSO',
    `  ${seeAlso.map((each) => `help ${each}`).join(', ')}`,
  ].join('\n');
}
