import { parseArgs } from 'node:util';
import { type Fault, parseFault } from '../../local-stack/aws/faults.ts';
import { engineNamed } from '../../local-stack/engines/choose-engine.ts';
import type { EngineName } from '../../local-stack/engines/engine-program.ts';
import { StartupError } from '../../local-stack/run/startup-error.ts';
import { type ReconcileChoice, USUAL_RECONCILE, usualRetentionSeconds } from './reconcile-choice.ts';
import { DEFAULT_PORT } from './send-arguments.ts';

export interface Flags {
  readonly help: boolean;
  readonly port: number;
  readonly traffic: boolean;
  readonly once: boolean;
  readonly json: boolean;
  /** Whether changes are published. */
  readonly publish: boolean;
  /** Whether slices are sealed into an archive. */
  readonly archive: boolean;
  /** URLs that changes are delivered to. */
  readonly receivers: readonly string[];
  readonly signingKey: string | undefined;
  readonly previousSigningKey: string | undefined;
  readonly parentSigningKey: string | undefined;
  readonly domains: readonly string[];
  /** Whether events take shapes that break some clients. */
  readonly oddShapes: boolean;
  /** Percentage of first deliveries that fail. */
  readonly drop: number;
  /** Domains whose webhooks name no recipient. */
  readonly redactedDomains: readonly string[];
  /** Whether webhooks of the old format come too. */
  readonly legacy: boolean;
  readonly reconcile: ReconcileChoice;
  /** Undefined: the environment, or what can run here, decides. */
  readonly engine: EngineName | undefined;
  /** How long a minute of alarms takes. */
  readonly metricPeriodSeconds: number;
  readonly faults: readonly Fault[];
  readonly seed: number | undefined;
}

export const HELP = `Runs the whole stack on this machine, from the template that a deploy would use, and sends it a scenario of events.

  npm start                                         the stack, and traffic to look at
  npm start -- --no-traffic --port 4020             the stack alone, on another port
  npm start -- --once                               runs the scenario once; exit code 0 when nothing is unaccounted for
  npm start -- --once --drop 30                     loses webhooks, and shows how the ledger heals
  npm start -- --fault sqs.SendMessage:500:10       every tenth send fails
  npm start -- --metric-period 1                    alarms sixty times as fast
  npm start -- --domain mg.acme.com --domain eu.acme.com --signing-key key-0123

  --port N                    webhook port; 0 takes any (${DEFAULT_PORT})
  --no-traffic                send nothing
  --once                      stop when the scenario is over
  --json                      JSON lines only on stdout; the first has "event":"ready"
  --archive                   seal slices into an archive, under archiveUrl of the ready line; with --once at its end
  --publish                   publish changes to an event bus; with --json every event is a line
  --receiver URL              deliver changes to this URL on this machine, signed; may be repeated
  --signing-key K             the key that signs webhooks (a random one)
  --previous-signing-key K    a second key that is accepted
  --parent-signing-key K      the key of a parent account
  --domain D                  a sending domain; may be repeated (mg.example.com)
  --drop P                    this percentage of first webhook deliveries fails (0)
  --legacy                    webhooks of the old format come too; they end as unconfirmed, with an alarm
  --redact D                  webhooks of this domain name no recipient, masked or absent; may be repeated
  --odd-shapes                events take every shape ever seen, also those that break Mailgun's Go and Java clients
  --source events|logs        which of Mailgun's APIs is read (events)
  --reconcile-every S         seconds between two runs (${USUAL_RECONCILE.everySeconds})
  --settle S                  seconds until a slice of the ledger is due (${USUAL_RECONCILE.settleSeconds})
  --slice S                   seconds of a slice, a divisor of 3600 (${USUAL_RECONCILE.sliceSeconds})
  --retention S               seconds Mailgun keeps events; the second pass is after half of it (120 or more)
  --reconcile-from EPOCH      where the ledger starts (now, or with --mailgun-url at the first webhook)
  --metric-period S           seconds that a minute of metrics and alarms takes (60)
  --mailgun-url URL           reconcile against this Mailgun instead of the twin
  --api-key K                 its key, or the twin's (a random one)
  --engine dynoxide|dynamodb-local
                              what holds the tables (LEDGER_ENGINE, or the first that can run here)
  --fault S.O:MODE:PERCENT    spoil this share of calls; may be repeated. S is dynamodb, sqs,
                              secretsmanager, events or cloudwatch, O an operation or *, MODE one of refuse, 500, throttle,
                              delay, hang, drop-reply, truncate, duplicate (sqs sends), partial (batches),
                              index-lag (dynamodb.Query), index-throttle (dynamodb writes)
  --seed N                    makes faults repeatable

Exit code: 0 when stopped, 1 when something went wrong, 2 when it could not start as asked.`;

const MAX_SECONDS = 31_536_000;

const text = { type: 'string' } as const;
const list = { type: 'string', multiple: true } as const;
const yes = { type: 'boolean' } as const;

const OPTIONS = {
  help: { ...yes, short: 'h' },
  port: text,
  'no-traffic': yes,
  once: yes,
  json: yes,
  archive: yes,
  publish: yes,
  receiver: list,
  'signing-key': text,
  'previous-signing-key': text,
  'parent-signing-key': text,
  domain: list,
  'odd-shapes': yes,
  drop: text,
  legacy: yes,
  redact: list,
  'mailgun-url': text,
  'api-key': text,
  source: text,
  'reconcile-every': text,
  settle: text,
  slice: text,
  retention: text,
  'reconcile-from': text,
  engine: text,
  fault: list,
  seed: text,
  'metric-period': text,
} as const;

/** The command line; a `StartupError` with one clear sentence where it makes no sense. */
export function parseFlags(args: readonly string[]): Flags {
  const values = readArguments(args);
  if (values.once && values['no-traffic'])
    throw mistake('--once plays the scenario and --no-traffic plays none: leave one out');
  const domains = values.domain ?? ['mg.example.com'];
  return {
    help: values.help ?? false,
    port: wholeNumber('port', values.port, 65_535) ?? DEFAULT_PORT,
    traffic: !values['no-traffic'],
    once: values.once ?? false,
    json: values.json ?? false,
    // Deliveries are made of what is published.
    publish: (values.publish ?? false) || values.receiver !== undefined,
    archive: values.archive ?? false,
    receivers: receiverUrls(values.receiver),
    signingKey: notBlank('signing-key', values['signing-key']),
    previousSigningKey: notBlank('previous-signing-key', values['previous-signing-key']),
    parentSigningKey: notBlank('parent-signing-key', values['parent-signing-key']),
    domains,
    redactedDomains: redactedDomains(values.redact, domains),
    oddShapes: values['odd-shapes'] ?? false,
    drop: wholeNumber('drop', values.drop, 100) ?? 0,
    legacy: values.legacy ?? false,
    reconcile: reconcileChoice(values),
    engine: engineNamed(notBlank('engine', values.engine), '--engine'),
    metricPeriodSeconds: seconds('metric-period', values['metric-period'], 3600) ?? 60,
    faults: (values.fault ?? []).map((fault) => {
      const parsed = parseFault(fault);
      if (typeof parsed === 'string') throw mistake(`--fault ${fault}: ${parsed}`);
      return parsed;
    }),
    seed: wholeNumber('seed', values.seed, 2 ** 32 - 1),
  };
}

function receiverUrls(urls: readonly string[] = []): readonly string[] {
  const strange = urls.find((url) => !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol));
  if (strange !== undefined) throw mistake(`--receiver is no http or https URL: "${strange}"`);
  return urls;
}

function redactedDomains(redacted: readonly string[] = [], domains: readonly string[]): readonly string[] {
  const foreign = redacted.find((domain) => !domains.includes(domain));
  if (foreign !== undefined) throw mistake(`--redact names a --domain of this run, not "${foreign}"`);
  return redacted;
}

function reconcileChoice(values: ReturnType<typeof readArguments>): ReconcileChoice {
  const { source = 'events', 'mailgun-url': mailgunUrl } = values;
  if (source !== 'events' && source !== 'logs') throw mistake(`--source is events or logs, not "${source}"`);
  if (mailgunUrl !== undefined && !URL.canParse(mailgunUrl)) throw mistake(`--mailgun-url is no URL: "${mailgunUrl}"`);
  const time = (name: 'reconcile-every' | 'settle' | 'slice' | 'retention') => seconds(name, values[name]);
  const settleSeconds = time('settle') ?? USUAL_RECONCILE.settleSeconds;
  const sliceSeconds = time('slice') ?? USUAL_RECONCILE.sliceSeconds;
  return {
    source,
    everySeconds: time('reconcile-every') ?? USUAL_RECONCILE.everySeconds,
    settleSeconds,
    sliceSeconds,
    retentionSeconds: time('retention') ?? usualRetentionSeconds(settleSeconds, sliceSeconds),
    fromEpochSeconds: wholeNumber('reconcile-from', values['reconcile-from'], 9_999_999_999),
    mailgunUrl,
    apiKey: notBlank('api-key', values['api-key']),
  };
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ');
    throw mistake(`${sentence}; --help lists what there is`);
  }
}

function seconds(name: string, value: string | undefined, max = MAX_SECONDS): number | undefined {
  const read = wholeNumber(name, value, max);
  if (read === 0) throw mistake(`--${name} is at least 1`);
  return read;
}

function wholeNumber(name: string, value: string | undefined, max: number): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value) || Number(value) > max) {
    throw mistake(`--${name} is a whole number from 0 to ${max}, not "${value}"`);
  }
  return Number(value);
}

function notBlank(name: string, value: string | undefined): string | undefined {
  if (value !== undefined && value.trim() === '') throw mistake(`--${name} is blank`);
  return value;
}

const mistake = (sentence: string) => new StartupError(sentence, 2);
