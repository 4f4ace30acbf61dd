import { Command, InvalidArgumentError } from 'commander';
import { UNKNOWN_DOMAIN } from '../lambdas/contract.ts';
import { InterruptedError, UsageError } from './errors.ts';
import type { AwsAccount } from './target/aws.ts';
import type { Deployment, TargetRef } from './target/types.ts';
import { parsePastTime, parseTime } from './time.ts';

/** The dependencies of a command. */
export interface CliContext {
  /** Prints a line of the result to standard output. */
  readonly print: (line: string) => void;
  /** A line about the command itself: progress, errors. */
  readonly printError: (line: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly openDeployment: (ref: TargetRef) => Promise<Deployment>;
  /** The AWS account that the shell's credentials belong to, in a region. */
  readonly openAccount: (region: string, bootstrapQualifier?: string) => Promise<AwsAccount>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Aborted when the operator wants it to end. */
  readonly signal: AbortSignal;
  /** All of standard input; where a person sits there, one line that is not shown as it is typed. */
  readonly readInput: (question: string) => Promise<string>;
  /** Asks the person at the terminal; returns undefined without one. */
  readonly ask: (question: string) => Promise<string | undefined>;
}

/** Returns an exit code: 0 done, or healthy; 1 not all was done, or something is wrong. */
type Action<Options> = (options: Options, ...args: string[]) => Promise<number>;

/** Hands a command's action over, and keeps its exit code. */
export type Run = <Options>(action: Action<Options>) => (...args: unknown[]) => Promise<void>;

/** Runs a whole command line; returns its exit code. */
export type RunLine = (args: readonly string[], context: CliContext) => Promise<number>;

/** Builds one command; `run` wraps its action, and `runLine` runs other commands. */
export type CommandBuilder = (context: CliContext, run: Run, runLine: RunLine) => Command;

/** Options that say where, and how to print. */
export interface TargetOptions {
  readonly env?: string;
  readonly stack?: string;
  readonly local?: boolean;
  readonly port?: number;
  readonly json?: boolean;
}

/** Environment variable with the target if no option names one: `prod`, `stack:Mail`, `local` or `local:4010`. */
const TARGET_VARIABLE = 'LEDGER_TARGET';

/** Creates a command with the target options `--env`, `--stack`, and `--local` with `--port`. */
export function ledgerCommand(name: string, summary: string): Command {
  return new Command(name)
    .summary(summary)
    .description(summary)
    .option('--env <name>', 'the stack of this environment of cdk.json on AWS, with the credentials of the shell')
    .option('--stack <name>', 'the stack of this name, in the AWS_REGION of the shell')
    .option('--local', 'the stack that runs on this machine')
    .option('--port <n>', 'webhook port of the local stack, where several run', parsePort)
    .option('--json', 'JSON lines in place of text');
}

/** Returns a command that only has sub-commands; `needs` are the rights that they need on AWS. */
export function commandGroup(name: string, summary: string, needs: string): Command {
  return new Command(name).summary(summary).description(summary).addHelpText('after', `\nNeeds on AWS: ${needs}.`);
}

/** Returns the target of the options, else of the environment variable. */
export function targetRefOf(
  { env, stack, local, port }: TargetOptions,
  environment: CliContext['environment'],
): TargetRef {
  const given = [env !== undefined && '--env', stack !== undefined && '--stack', local && '--local'].filter(Boolean);
  if (given.length > 1) throw new UsageError(`${given.join(' and ')} cannot be combined`);
  if (port !== undefined && given.length > 0 && !local) throw new UsageError('--port goes with --local only');
  if (env !== undefined) return { kind: 'aws', environment: env };
  if (stack !== undefined) return stackRefOf(stack, environment);
  if (local) return { kind: 'local', port };
  const [name = '', rest] = environment[TARGET_VARIABLE]?.split(':') ?? [];
  if (name === 'local') return { kind: 'local', port: port ?? portInVariable(rest) };
  if (port !== undefined) throw new UsageError('--port goes with --local only');
  if (name === 'stack' && rest?.trim() === '')
    throw new UsageError(`${TARGET_VARIABLE} names no stack; give stack:<name>`);
  if (name === 'stack' && rest !== undefined) return stackRefOf(rest, environment);
  if (name !== '') return { kind: 'aws', environment: name };
  throw new UsageError(
    `--env, --stack or --local is missing (or ${TARGET_VARIABLE} in the environment); --help shows examples`,
  );
}

function stackRefOf(stackName: string, environment: CliContext['environment']): TargetRef {
  const region = environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (!region)
    throw new UsageError(`--stack ${stackName} needs AWS_REGION in the environment: the region of the stack`);
  return { kind: 'stack', stackName, region };
}

/** Opens the deployment that the options, or else the environment variable, point to. */
export function openTarget(context: CliContext, options: TargetOptions): Promise<Deployment> {
  return context.openDeployment(targetRefOf(options, context.environment));
}

/** Returns the target as options, for printed commands. */
export function targetRefText(ref: TargetRef): string {
  if (ref.kind === 'aws') return `--env ${ref.environment}`;
  if (ref.kind === 'stack') return `--stack ${ref.stackName}`;
  return ref.port === undefined ? '--local' : `--local --port ${ref.port}`;
}

/** Parses `--<flag> <time>` into epoch seconds; nothing happened since a time to come. */
export const timeOption = (flag: 'from' | 'since' | 'to', context: CliContext) => (text: string) =>
  (flag === 'to' ? parseTime : parsePastTime)(`--${flag}`, text, context.now());

/** Returns a tag as tags are compared; throws a UsageError where no mail can have it. */
export function checkTag(given: string): string {
  const tag = given.trim().toLowerCase();
  if (tag === '' || tag === '*') throw new UsageError('give a tag that is not empty and not *');
  return tag;
}

const isPort = (text: string) => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;

export function parsePort(text: string): number {
  if (!isPort(text)) throw new InvalidArgumentError('Give a port number from 1 to 65535.');
  return Number(text);
}

function portInVariable(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!isPort(text)) throw new UsageError(`${TARGET_VARIABLE} holds the port ${text}; give one from 1 to 65535`);
  return Number(text);
}

/** Collects the values of an option that may be repeated. */
export const repeated = (value: string, values: string[] = []) => [...values, value];

/** Returns a parser of whole numbers from `least` on. */
export const wholeNumber = (least: number) => (text: string) => {
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
    throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
  }
  return Number(text);
};

/** Returns the result of work that only reads; throws as soon as the operator ends it, whatever it waits for. */
export function unlessInterrupted<T>({ signal }: Pick<CliContext, 'signal'>, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new InterruptedError());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Wraps the action of a command that only reads. */
export const interruptible =
  <Options>(context: Pick<CliContext, 'signal'>, action: Action<Options>): Action<Options> =>
  (options, ...args) =>
    unlessInterrupted(context, action(options, ...args));

/** Confirms an irreversible action: by `--yes`, or by asking the person at the terminal. */
export async function confirm(context: CliContext, yes: boolean | undefined, question: string): Promise<void> {
  if (yes) return;
  const reply = await context.ask(`${question} [y/N] `);
  if (reply === undefined) throw new UsageError(`not confirmed: ${question} Without a terminal it needs --yes`);
  if (!/^y(es)?$/i.test(reply.trim())) throw new UsageError('stopped');
}

/** Refuses a domain that the stack does not receive webhooks of. */
export function checkSendingDomain({ domains }: Deployment, domain: string): void {
  checkChoice(domain, domains);
}

/** Refuses a domain under which no events may be stored. */
export function checkStoredDomain(deployment: Deployment, domain: string): void {
  const { domains } = deployment;
  if (!domains.includes(domain)) checkChoice(domain, [...domains, ...(deployment.furtherDomains ?? [])]);
}

/** Refuses anything except a domain of the stack and `-`, which stands for events without a domain. */
export function checkDomain(deployment: Deployment, domain: string): void {
  if (!deployment.domains.includes(domain)) checkChoice(domain, chosenDomains(deployment, undefined));
}

/** Returns the requested domain, or all of the stack plus `-`. */
export function chosenDomains(deployment: Deployment, domain: string | undefined): string[] {
  if (domain === undefined) return [...deployment.domains, ...(deployment.furtherDomains ?? []), UNKNOWN_DOMAIN];
  checkDomain(deployment, domain);
  return [domain];
}

function checkChoice(domain: string, choices: readonly string[]): void {
  if (choices.includes(domain)) return;
  throw new UsageError(`--domain ${domain} is not one of the stack's: ${choices.join(', ')}`);
}
