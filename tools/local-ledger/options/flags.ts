import { Command, InvalidArgumentError, Option } from 'commander';
import { type Fault, parseFault } from '../../local-stack/aws/fault-rules.ts';
import { ENGINE_NAMES, type EngineName } from '../../local-stack/engines/engine-program.ts';
import { StartupError } from '../../local-stack/run/startup-error.ts';
import { notBlank, parseCommand, repeated, wholeNumber } from './parse-command.ts';
import { type ReconcileChoice, USUAL_RECONCILE, usualRetentionSeconds } from './reconcile-choice.ts';
import { DEFAULT_PORT } from './send-arguments.ts';

export interface Flags {
  readonly port: number;
  readonly traffic: boolean;
  readonly once: boolean;
  readonly json: boolean;
  /** True if changes are published. */
  readonly publish: boolean;
  /** True if slices are sealed into an archive. */
  readonly archive: boolean;
  /** URLs that changes are posted to. */
  readonly receivers: readonly string[];
  readonly signingKey: string | undefined;
  readonly previousSigningKey: string | undefined;
  readonly parentSigningKey: string | undefined;
  readonly domains: readonly string[];
  /** True if events have shapes that break some clients. */
  readonly oddShapes: boolean;
  /** Percentage of first attempts that fail. */
  readonly drop: number;
  /** Domains whose webhooks are redacted. */
  readonly redactedDomains: readonly string[];
  /** True if webhooks in the legacy format are sent too. */
  readonly legacy: boolean;
  readonly reconcile: ReconcileChoice;
  /** Undefined: chosen by the environment, else the first that can run here. */
  readonly engine: EngineName | undefined;
  /** Seconds that one minute of alarm time takes. */
  readonly metricPeriodSeconds: number;
  readonly faults: readonly Fault[];
  readonly seed: number | undefined;
}

const EXAMPLES = `
Examples:
  npm start                                         the stack, with traffic
  npm start -- --no-traffic --port 4020             the stack alone, on another port
  npm start -- --once                               plays the scenario once; exit code 0 when nothing is unaccounted for
  npm start -- --once --drop 30                     loses webhooks, and shows how the ledger heals
  npm start -- --fault sqs.SendMessage:500:10       every tenth send fails
  npm start -- --metric-period 1                    alarms sixty times as fast
  npm start -- --domain mg.acme.com --domain eu.acme.com --signing-key key-0123

Faults: S.O:MODE:PERCENT. S is dynamodb, sqs, secretsmanager, events or cloudwatch, O an operation or *, MODE one of
refuse, 500, throttle, delay, slow, hang, drop-reply, truncate, duplicate (sqs sends), partial (batches),
index-lag (dynamodb.Query), index-throttle (dynamodb.PutItem, dynamodb.UpdateItem).

Exit code: 0 when stopped, 1 when something went wrong, 2 when it could not start as requested.`;

const MAX_PORT = 65_535;
const MAX_SECONDS = 31_536_000;
const MAX_EPOCH_SECONDS = 9_999_999_999;
const seconds = wholeNumber(1, MAX_SECONDS);

function createStartCommand(): Command {
  return new Command('npm start --')
    .description(
      'Runs the whole stack on this machine, from the template that a deploy would use, and plays a scenario.',
    )
    .option('--port <n>', 'webhook port; 0 takes any', wholeNumber(0, MAX_PORT), DEFAULT_PORT)
    .addOption(new Option('--no-traffic', 'send nothing').conflicts('once'))
    .option('--once', 'stop when the scenario is over')
    .option('--json', 'JSON lines only on stdout; the first has "event":"ready"')
    .option('--archive', 'seal slices into an archive, under archiveUrl of the ready line; with --once at its end')
    .option('--publish', 'publish changes to an event bus; with --json every event is a line')
    .option(
      '--receiver <url>',
      'deliver changes to this URL on this machine, signed; may be repeated',
      repeated(httpUrl),
    )
    .option('--signing-key <key>', 'the key that signs webhooks (a random one)', notBlank)
    .option('--previous-signing-key <key>', 'a second key that is accepted', notBlank)
    .option('--parent-signing-key <key>', 'the key of a parent account', notBlank)
    .option('--domain <d>', 'a sending domain; may be repeated (mg.example.com)', repeated(notBlank))
    .option('--drop <percent>', 'this percentage of first webhook deliveries fails', wholeNumber(0, 100), 0)
    .option('--legacy', 'webhooks of the old format come too; they end as unconfirmed, with an alarm')
    .option(
      '--redact <d>',
      'webhooks of this domain name no recipient, masked or absent; may be repeated',
      repeated(notBlank),
    )
    .option('--odd-shapes', "events take every shape ever seen, also those that break Mailgun's Go and Java clients")
    .addOption(
      new Option('--source <api>', "which of Mailgun's APIs is read").choices(['events', 'logs']).default('events'),
    )
    .option('--reconcile-every <s>', 'seconds between two runs', seconds, USUAL_RECONCILE.everySeconds)
    .option('--settle <s>', 'seconds until a slice of the ledger is due', seconds, USUAL_RECONCILE.settleSeconds)
    .option('--slice <s>', 'seconds of a slice, a divisor of 3600', seconds, USUAL_RECONCILE.sliceSeconds)
    .option(
      '--retention <s>',
      'seconds Mailgun keeps events; the second pass is after half of it (120 or more)',
      seconds,
    )
    .option(
      '--reconcile-from <epoch>',
      'where the ledger starts (now, or with --mailgun-url at the first webhook)',
      wholeNumber(0, MAX_EPOCH_SECONDS),
    )
    .option('--metric-period <s>', 'seconds that a minute of metrics and alarms takes', wholeNumber(1, 3600), 60)
    .option('--mailgun-url <url>', 'reconcile against this Mailgun instead of the twin', httpUrl)
    .option('--api-key <key>', "its key, or the twin's (a random one)", notBlank)
    .addOption(
      new Option('--engine <name>', 'what holds the tables (LEDGER_ENGINE, or the first that can run here)').choices(
        ENGINE_NAMES,
      ),
    )
    .option('--fault <fault>', 'spoil a share of calls, as below; may be repeated', repeated(faultOf))
    .option('--seed <n>', 'makes faults repeatable', wholeNumber(0, 2 ** 32 - 1))
    .addHelpText('after', EXAMPLES);
}

interface StartOptions {
  readonly port: number;
  readonly traffic: boolean;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly archive?: boolean;
  readonly publish?: boolean;
  readonly receiver?: readonly string[];
  readonly signingKey?: string;
  readonly previousSigningKey?: string;
  readonly parentSigningKey?: string;
  readonly domain?: readonly string[];
  readonly drop: number;
  readonly legacy?: boolean;
  readonly redact?: readonly string[];
  readonly oddShapes?: boolean;
  readonly source: 'events' | 'logs';
  readonly reconcileEvery: number;
  readonly settle: number;
  readonly slice: number;
  readonly retention?: number;
  readonly reconcileFrom?: number;
  readonly metricPeriod: number;
  readonly mailgunUrl?: string;
  readonly apiKey?: string;
  readonly engine?: EngineName;
  readonly fault?: readonly Fault[];
  readonly seed?: number;
}

/** Returns the flags, or the help text if requested; throws a one-sentence `StartupError` for a mistake. */
export function parseFlags(args: readonly string[]): Flags | { readonly help: string } {
  const parsed = parseCommand<StartOptions>(createStartCommand(), args, mistake);
  if ('help' in parsed) return parsed;
  const { options } = parsed;
  const { domain: domains = ['mg.example.com'], receiver: receivers, redact = [] } = options;
  const foreign = redact.find((domain) => !domains.includes(domain));
  if (foreign !== undefined) throw mistake(`--redact names a --domain of this run, not "${foreign}"`);
  return {
    port: options.port,
    traffic: options.traffic,
    once: options.once ?? false,
    json: options.json ?? false,
    // Deliveries need published changes.
    publish: (options.publish ?? false) || receivers !== undefined,
    archive: options.archive ?? false,
    receivers: receivers ?? [],
    signingKey: options.signingKey,
    previousSigningKey: options.previousSigningKey,
    parentSigningKey: options.parentSigningKey,
    domains,
    redactedDomains: redact,
    oddShapes: options.oddShapes ?? false,
    drop: options.drop,
    legacy: options.legacy ?? false,
    reconcile: {
      source: options.source,
      everySeconds: options.reconcileEvery,
      settleSeconds: options.settle,
      sliceSeconds: options.slice,
      retentionSeconds: options.retention ?? usualRetentionSeconds(options.settle, options.slice),
      fromEpochSeconds: options.reconcileFrom,
      mailgunUrl: options.mailgunUrl,
      apiKey: options.apiKey,
    },
    engine: options.engine,
    metricPeriodSeconds: options.metricPeriod,
    faults: options.fault ?? [],
    seed: options.seed,
  };
}

function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('It must be an http or https URL.');
}

function faultOf(text: string): Fault {
  const parsed = parseFault(text);
  if (typeof parsed === 'string') throw new InvalidArgumentError(parsed);
  return parsed;
}

const mistake = (sentence: string) => new StartupError(sentence, 2);
