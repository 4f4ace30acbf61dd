import { createQueueDepth } from '../../lambdas/adapters/aws/messaging.ts';
import { MAX_SECRET_AGE_MS } from '../../lambdas/adapters/aws/secrets.ts';
import {
  createListingNoteRepository,
  createReconciliationStateRepository,
} from '../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { UNKNOWN_DOMAIN } from '../../lambdas/contract.ts';
import { type ShownAlarmText, shownAlarmText } from '../../lambdas/domain/alarm-description.ts';
import { READS_AT_ONCE, resultsOf } from '../../lambdas/domain/concurrency.ts';
import type { Completeness } from '../../lambdas/domain/ledger/completeness.ts';
import { announcementText } from '../../lambdas/domain/ledger/listing-note.ts';
import { stateOf } from '../../lambdas/domain/ledger/slice.ts';
import { readApiKey, readSigningKeys } from '../access.ts';
import {
  type CliContext,
  type CommandBuilder,
  interruptible,
  ledgerCommand,
  openTarget,
  type TargetOptions,
} from '../command.ts';
import { UnreadableSecretError, whyUnavailable } from '../errors.ts';
import { LOOKBACK_DAYS, ledgerTimes, readDomainLedger, readLastEvent, tableOf } from '../ledger.ts';
import { counted, createEmit, timeAgo, utc } from '../output.ts';
import type { AlarmReport, Deployment } from '../target/types.ts';
import { iso } from '../time.ts';
import { judgeSigningKey } from './keys.ts';
import { enabledAgain } from './receivers/open.ts';
import { type ProviderStatus, providersWrong, providerText, readProviders } from './status/providers.ts';

const EXAMPLES = `
The stack is healthy when the DLQ is empty, no alarm is on, the signing key is Mailgun's (if the API key may read that
one), no event is missing, altered, stuck or unconfirmed, and at Gmail, Yahoo and Microsoft no share of the last 7 days
(UTC) and today is over its limit: 0.3 % reported as spam, 5 % failed permanently, 1 % refused by policy, each of at
least 1,000 mails. If something cannot be read, the stack is not known to be healthy.
missing: Mailgun lists the event, but it is not stored. stuck: still missing after the maximum number of requeues.
altered: stored with other content than Mailgun lists. unconfirmed: it is stored, but Mailgun did not list it by the
second pass. lost: its webhook never came, and reconciliation stored it; that alone is healthy.
A witness line names an hour for which Mailgun counts more events than the ledger has, and what may explain it.
Events are counted over the time to the second pass, two days at most; what is missing, unconfirmed or altered, at any
age. Domains that Mailgun no longer has, and - (events without a domain), are shown if something is wrong with them.

Examples:
  npm run ledger -- status --env prod
  npm run ledger -- status --local --json

Needs on AWS: sqs:GetQueueAttributes on both queues, cloudwatch:DescribeAlarms, dynamodb:Query and dynamodb:GetItem on
the table, dynamodb:Query on its index byDay, secretsmanager:GetSecretValue on the signing keys and the API key.`;

export const statusCommand: CommandBuilder = (context, run) =>
  ledgerCommand('status', 'show on one screen whether the stack is healthy')
    .addHelpText('after', EXAMPLES)
    .action(run<TargetOptions>(interruptible(context, (options) => status(context, options))));

async function status(context: CliContext, options: TargetOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const nowMs = context.now();
  const line = await gatherStatus(deployment, nowMs);
  createEmit<StatusLine>(context, options.json)(line, ...statusText(line, deployment.name, nowMs));
  return line.health === 'healthy' ? 0 : 1;
}

const HEADLINES = { healthy: 'HEALTHY', unhealthy: 'NOT HEALTHY', unknown: 'NOT KNOWN TO BE HEALTHY' };

/** Returns the status as text for one screen. */
export function statusText(status: StatusLine, name: string, nowMs: number): string[] {
  const { health, reasons, notes, backlog, deadLetters, signingKey, alarms, listing, unknown } = status;
  const domains = [...status.domains, ...(status.furtherDomains ?? [])];
  return [
    `${HEADLINES[health]}  ${name}`,
    ...reasons.map((reason) => `  ! ${reason}`),
    ...notes.map((note) => `    ${note}`),
    '',
    field(
      'backlog',
      known(backlog, backlog === 1 ? 'event on its way to the table' : 'events on their way to the table'),
    ),
    field('dead letters', known(deadLetters, '')),
    field('signing key', signingKeyText(signingKey)),
    field('alarms', alarmText(alarms)),
    ...(alarms?.alarmed ?? []).flatMap((alarm) => alarmLines(alarm, alarms?.alarmed ?? [], nowMs)),
    ...(listing === null || listing === '' ? [] : [field('listing', listing)]),
    ...domains.flatMap((each) => ['', ...domainText(each, unknown, nowMs)]),
  ];
}

const field = (name: string, text: string) => `  ${name.padEnd(14)}${text}`;

const known = (value: number | null, what: string) => (value === null ? 'unknown' : `${value} ${what}`.trim());

function signingKeyText(key: StatusLine['signingKey']): string {
  if (key === null) return 'unknown';
  if (key.matches === null) return `not compared with Mailgun's own: ${key.why}`;
  return key.matches ? (key.why ?? "is Mailgun's") : 'NOT usable, see above';
}

function alarmText(alarms: StatusLine['alarms']): string {
  if (alarms === null) return 'unknown';
  const { total, alarmed } = alarms;
  return alarmed.length === 0 ? `none of ${total} is on` : `${alarmed.length} of ${total} on`;
}

function alarmLines(alarm: AlarmOn, alarmed: readonly AlarmOn[], nowMs: number): string[] {
  const { name, since, happened, over = null, reason: figures = null, impact, explains, first, runbook } = alarm;
  const details = {
    over,
    figures,
    impact,
    cause: explainedBy(alarm, alarmed)?.name ?? null,
    explains: explains.length === 0 ? null : explains.join(', '),
    first,
    runbook,
  };
  const on = since === null ? '' : `, since ${timeAgo(Date.parse(since), nowMs)}`;
  return [
    `  ✖ ${name}${on}${happened === null ? '' : `: ${happened}`}`,
    ...Object.entries(details).flatMap(([label, text]) => (text === null ? [] : [field(`  ${label}`, text)])),
  ];
}

function domainText(
  { domain, completeness, lastEvent, ledger, providers }: DomainStatus,
  unknown: StatusLine['unknown'],
  nowMs: number,
): string[] {
  const isUnknown = unknown.some((what) => what.startsWith(lastEventOf(domain)));
  const event = lastEvent
    ? `${lastEvent.type}, ${timeAgo(Date.parse(lastEvent.at), nowMs)}`
    : isUnknown
      ? 'unknown'
      : `none in the last ${LOOKBACK_DAYS} days`;
  const lines = [`  ${shownDomain(domain)}`, field('  last event', event)];
  if (ledger === null) return [...lines, field('  complete', 'unknown')];
  const { judgedUntil, expected, missing, lost, unconfirmed, altered, lastSlice, witness } = ledger;
  const lostTime = ledger.lostBetween
    ? ` (${ledger.lostBetween.from.slice(0, 16)}Z to ${ledger.lostBetween.to.slice(0, 16)}Z)`
    : '';
  const until = judgedUntil === null ? '' : `, judged until ${timeAgo(Date.parse(judgedUntil), nowMs)}`;
  return [
    ...lines,
    field('  complete', `${COMPLETE[completeness]}${until}`),
    field(
      '  events',
      `${expected} since ${ledger.since.slice(0, 16)}Z: ${missing} missing, ${lost} lost by webhook${lostTime}, ${unconfirmed} unconfirmed${altered > 0 ? `, ${altered} altered` : ''}`,
    ),
    field('  last slice', lastSlice ? `${lastSlice.start} to ${lastSlice.end}, ${lastSlice.state}` : 'none yet'),
    ...(providers ?? []).map((each) => field('  at', providerText(each))),
    ...witness.map(({ hour, lacks, causes }) =>
      field(
        '  witness',
        `lacks ${lacks} of what Mailgun counts from ${hour.slice(0, 16)}Z on for an hour (${causes.join(', ')})`,
      ),
    ),
  ];
}

const COMPLETE = { complete: 'yes', incomplete: 'no', unknown: 'unknown' };

/** The line of `status --json`; null means unknown. */
export interface StatusLine {
  readonly event: 'status';
  readonly health: 'healthy' | 'unhealthy' | 'unknown';
  /** Why it is not healthy. */
  readonly reasons: readonly string[];
  /** What may soon be otherwise by itself. */
  readonly notes: readonly string[];
  /** Events on their way to the table. */
  readonly backlog: number | null;
  readonly deadLetters: number | null;
  /** `matches`: true if it verifies what Mailgun signs, with `why` if only as previous; null if not compared, and why. */
  readonly signingKey: { readonly matches: boolean | null; readonly why: string | null } | null;
  readonly alarms: {
    readonly total: number;
    readonly alarmed: readonly AlarmOn[];
  } | null;
  /** The announced or completed end of the listing API; empty if there is none, null if it could not be read. */
  readonly listing: string | null;
  readonly domains: readonly DomainStatus[];
  /** The other domains of which the ledger is not in order; `-` stands for events without a domain. */
  readonly furtherDomains: readonly DomainStatus[] | null;
  /** The parts that could not be read, and why. */
  readonly unknown: readonly string[];
}

/** An alarm that is on. */
interface AlarmOn extends ShownAlarmText {
  readonly name: string;
  readonly since: string | null;
  /** By which figures it went off, in CloudWatch's words. */
  readonly reason?: string | undefined;
  /** Why it is on although its cause is over, and until when. */
  readonly over?: string | undefined;
}

export interface DomainStatus {
  readonly domain: string;
  readonly lastEvent: { readonly type: string; readonly at: string } | null;
  readonly completeness: Completeness;
  readonly ledger: {
    readonly since: string;
    readonly judgedUntil: string | null;
    readonly expected: number;
    readonly missing: number;
    readonly lost: number;
    /** The slices with lost events lie between these times. */
    readonly lostBetween: { readonly from: string; readonly to: string } | null;
    readonly unconfirmed: number;
    readonly altered: number;
    readonly openSlices: number;
    readonly shortSlices: number;
    readonly stuck: number;
    /** Begin of the first slice with a stuck event. */
    readonly stuckFrom: string | null;
    readonly lastSlice: { readonly start: string; readonly end: string; readonly state: string } | null;
    /** Hours for which Mailgun counts more events than the ledger, newest first. */
    readonly witness: readonly { readonly hour: string; readonly lacks: number; readonly causes: readonly string[] }[];
  } | null;
  /** Shares of mail at mailbox providers that publish limits. */
  readonly providers: readonly ProviderStatus[] | null;
}

/** Reads it all side by side; what cannot be read is null, and named. */
export async function gatherStatus(deployment: Deployment, nowMs: number): Promise<StatusLine> {
  const unknown: string[] = [];
  const attempt = async <Result>(what: string, read: () => Promise<Result>): Promise<Result | null> => {
    try {
      return await read();
    } catch (error) {
      const why = whyUnavailable(error);
      if (why === undefined) throw error;
      unknown.push(`${what}: ${why}`);
      return null;
    }
  };
  const messagesIn = async (output: string) =>
    createQueueDepth(deployment.clients.queues, deployment.output(output)).messages();
  const [backlog, deadLetters, alarms, listing, key, domains, furtherDomains] = await Promise.all([
    attempt('backlog', () => messagesIn('QueueUrl')),
    attempt('dead letters', () => messagesIn('DeadLettersUrl')),
    attempt('alarms', () => readAlarms(deployment)),
    attempt('listing API', () => readListing(deployment)),
    attempt('signing key', () => readSigningKey(deployment)),
    resultsOf(deployment.domains, READS_AT_ONCE, (domain) => readDomain(deployment, domain, nowMs, attempt)),
    attempt('ledgers of former domains', () => readFurtherDomains(deployment, nowMs, attempt)),
  ]);
  const signingKey = key && { matches: key.matches, why: key.why };
  const facts = { backlog, deadLetters, signingKey, alarms, listing, domains, furtherDomains, unknown };
  const judged = judge({ ...facts, signingKeyFault: key?.fault });
  const notes = judged.health === 'healthy' ? [] : await keyNotes(deployment, nowMs);
  return { event: 'status', ...judged, notes, ...facts };
}

/**
 * Returns a note for each secret that was just written, since functions may not have read it yet; none for what cannot
 * be read. The time is that of the secret, which another key or the same value moves too.
 */
async function keyNotes(deployment: Deployment, nowMs: number): Promise<string[]> {
  const unread = () => undefined;
  const [signing, api] = await Promise.all([
    readSigningKeys(deployment).catch(unread),
    readApiKey(deployment).catch(unread),
  ]);
  const set = [
    { name: 'signing key', isSet: signing?.keys.current !== undefined, sinceMs: signing?.sinceMs },
    { name: 'API key', isSet: api?.apiKey !== undefined, sinceMs: api?.sinceMs },
  ];
  return set.flatMap(({ name, isSet, sinceMs = Number.NEGATIVE_INFINITY }) =>
    isSet && nowMs - sinceMs < MAX_SECRET_AGE_MS
      ? [
          `the secret of the ${name} was written at ${utc(sinceMs)}: if that changed the key, functions read it within ${MAX_SECRET_AGE_MS / 60_000} minutes, until then alarms and logs show the old one`,
        ]
      : [],
  );
}

/** Returns what is wrong with the signing key, by the rule of doctor, and whether it was compared with Mailgun's own. */
async function readSigningKey(deployment: Deployment) {
  try {
    const found = await judgeSigningKey(deployment);
    if (found.state === undefined) {
      return { fault: undefined, matches: found.comparison.matches, why: found.comparison.why };
    }
    if (found.state === 'warning') return { fault: undefined, matches: true, why: `${found.says}; fix: ${found.fix}` };
    return { fault: `the signing key is ${found.says}; fix: ${found.fix}`, matches: false, why: found.says };
  } catch (error) {
    if (!(error instanceof UnreadableSecretError)) throw error;
    return { fault: error.message, matches: false, why: error.problem };
  }
}

/** Name of a domain's last event in `unknown`. */
const lastEventOf = (domain: string) => `last event of ${domain}`;

type Attempt = <Result>(what: string, read: () => Promise<Result>) => Promise<Result | null>;

async function readDomain(
  deployment: Deployment,
  domain: string,
  nowMs: number,
  attempt: Attempt,
): Promise<DomainStatus> {
  const [last, ledger, providers] = await Promise.all([
    attempt(lastEventOf(domain), () => readLastEvent(deployment, domain, nowMs)),
    attempt(`ledger of ${domain}`, () => readDomainLedger(deployment, domain, ledgerTimes(deployment), nowMs)),
    attempt(`providers of ${domain}`, () => readProviders(deployment, domain, nowMs)),
  ]);
  const lastEvent = last ? { type: last.type, at: iso(last.atMs) } : null;
  if (ledger === null) return { domain, lastEvent, completeness: 'unknown', ledger: null, providers };
  const {
    expected,
    missing,
    lost,
    lostBetween,
    unconfirmed,
    altered,
    openSlices,
    shortSlices,
    stuck,
    stuckFrom,
    lastSlice,
    judgedUntil,
    witness,
  } = ledger;
  return {
    domain,
    lastEvent,
    completeness: ledger.completeness,
    ledger: {
      since: iso(ledger.since * 1000),
      judgedUntil: judgedUntil === undefined ? null : iso(judgedUntil * 1000),
      expected,
      missing,
      lost,
      unconfirmed,
      altered,
      openSlices,
      shortSlices,
      stuck,
      stuckFrom: stuckFrom === undefined ? null : iso(stuckFrom * 1000),
      lostBetween: lostBetween ? { from: iso(lostBetween.from * 1000), to: iso(lostBetween.to * 1000) } : null,
      lastSlice: lastSlice
        ? { start: iso(lastSlice.start * 1000), end: iso(lastSlice.end * 1000), state: stateOf(lastSlice) }
        : null,
      witness: witness
        .filter(({ lacks }) => lacks > 0)
        .map(({ start, lacks, causes }) => ({ hour: iso(start * 1000), lacks, causes }))
        .reverse(),
    },
    providers,
  };
}

/** Returns the domains that Mailgun does not have, and the unknown one, where something is wrong with their ledgers. */
async function readFurtherDomains(deployment: Deployment, nowMs: number, attempt: Attempt): Promise<DomainStatus[]> {
  const state = createReconciliationStateRepository(tableOf(deployment));
  const names = [...(deployment.furtherDomains ?? []), UNKNOWN_DOMAIN];
  const read = await resultsOf(names, READS_AT_ONCE, async (domain) => {
    const [{ open }, doubts] = await Promise.all([state.readMarkers(domain), state.readDoubts(domain)]);
    return open.length + doubts.length === 0 ? [] : [await readDomain(deployment, domain, nowMs, attempt)];
  });
  return read.flat().filter(({ domain, ledger }) => ledger === null || wrongWith(domain, ledger).length > 0);
}

const shownDomain = (domain: string) => (domain === UNKNOWN_DOMAIN ? `${domain} (no domain)` : domain);

async function readListing(deployment: Deployment): Promise<string> {
  const { fellBackAt, announced } = await createListingNoteRepository(tableOf(deployment)).read();
  if (fellBackAt !== undefined) return `by Logs since ${iso(fellBackAt)}: Mailgun has ended its Events API (410)`;
  return announced === undefined ? '' : `Mailgun has announced the end of its ${announcementText(announced)}`;
}

async function readAlarms(deployment: Deployment): Promise<NonNullable<StatusLine['alarms']>> {
  const alarms = await deployment.alarms();
  const sounding = alarms.filter(({ state }) => state === 'ALARM').map(alarmOn);
  const alarmed = await Promise.all(sounding.map((alarm) => withEnd(deployment, alarm)));
  // An explained alarm ends with its cause, so causes come first.
  const isExplained = (alarm: AlarmOn) => explainedBy(alarm, alarmed) !== undefined;
  return {
    total: alarms.length,
    alarmed: alarmed.toSorted((a, b) => Number(isExplained(a)) - Number(isExplained(b))),
  };
}

/** Adds to receiver-disabled that every receiver is enabled: it adds up an hour, in which its text is out of date. */
async function withEnd(deployment: Deployment, alarm: AlarmOn): Promise<AlarmOn> {
  if (!alarm.name.endsWith('-receiver-disabled')) return alarm;
  // If the table cannot be read, the alarm is shown unchanged.
  const over = await enabledAgain(deployment).catch(() => undefined);
  return over === undefined ? alarm : { ...alarm, over };
}

/** Returns the alarm among these that explains another one, or undefined. */
function explainedBy({ name }: AlarmOn, alarmed: readonly AlarmOn[]): AlarmOn | undefined {
  return alarmed.find(({ explains }) => explains.some((heading) => name.endsWith(`-${heading}`)));
}

const STATUS = /^(?:npm run ledger --|npx mailgun-ledger) status( |$)/;

/** Returns the reason for an alarm; one whose first command is `status` links to the runbook instead. */
function alarmReason(alarm: AlarmOn, alarmed: readonly AlarmOn[]): string {
  const { name, over, first, runbook } = alarm;
  const cause = explainedBy(alarm, alarmed);
  if (cause !== undefined) return `the alarm ${name} is on, which ${cause.name} explains`;
  if (over !== undefined) return `the alarm ${name} is on, and its cause is over: ${over}`;
  const next = first !== null && STATUS.test(first) ? runbook : first;
  return `the alarm ${name} is on${next === null ? '' : `: ${next}`}`;
}

function alarmOn({ name, sinceMs, reason, description }: AlarmReport): AlarmOn {
  return { name, since: sinceMs === undefined ? null : iso(sinceMs), reason, ...shownAlarmText(description) };
}

/** Faults come before unknowns. */
export function judge({
  deadLetters,
  alarms,
  domains,
  furtherDomains,
  unknown,
  signingKeyFault,
}: Pick<StatusLine, 'deadLetters' | 'alarms' | 'domains' | 'furtherDomains' | 'unknown'> & {
  readonly signingKeyFault?: string | undefined;
}): Pick<StatusLine, 'health' | 'reasons'> {
  const wrong = [
    ...(signingKeyFault === undefined ? [] : [signingKeyFault]),
    ...(deadLetters ? [`${deadLetters} in the DLQ: dlq list shows why`] : []),
    ...(alarms?.total === 0
      ? ['the stack has no alarm, so no one is notified: deploy it, and see docs/runbook.md#changed-by-hand']
      : []),
    ...(alarms?.alarmed ?? []).map((alarm) => alarmReason(alarm, alarms?.alarmed ?? [])),
    ...[...domains, ...(furtherDomains ?? [])].flatMap(({ domain, ledger }) =>
      ledger ? wrongWith(shownDomain(domain), ledger) : [],
    ),
    ...domains.flatMap(({ domain, providers }) => providersWrong(domain, providers ?? [])),
  ];
  const unsure = [
    ...unknown.map((what) => `not known: ${what}`),
    ...(domains.length === 0
      ? ['no sending domain is known: reconcile finds those of the account, and needs a Mailgun API key (keys status)']
      : []),
    ...domains
      .filter(({ completeness, ledger }) => completeness === 'unknown' && ledger !== null)
      .map(({ domain, ledger }) =>
        ledger?.judgedUntil === null
          ? `${domain} has no ledger yet: it begins with the first comparison after a webhook, and needs a Mailgun API key (keys status)`
          : `the ledger of ${domain} is behind: logs reconcile shows why`,
      ),
  ];
  const health = wrong.length > 0 ? 'unhealthy' : unsure.length > 0 ? 'unknown' : 'healthy';
  return { health, reasons: [...wrong, ...unsure] };
}

function wrongWith(domain: string, ledger: NonNullable<DomainStatus['ledger']>): string[] {
  const { missing, stuck, stuckFrom, unconfirmed, altered, openSlices, shortSlices } = ledger;
  const waiting = openSlices - shortSlices;
  return [
    ...(missing > 0
      ? [
          `${domain} lacks ${counted(missing, 'event')} that Mailgun lists: reconcile requeues them for hours; dlq list shows what process cannot store`,
        ]
      : []),
    ...(waiting > 0 && missing === 0 && altered === 0
      ? [
          `${counted(waiting, 'slice')} of ${domain} ${are(waiting)} to be compared once more: logs reconcile shows the runs`,
        ]
      : []),
    ...(shortSlices > 0
      ? [`Mailgun lists less than before of ${counted(shortSlices, 'slice')} of ${domain}: docs/runbook.md#open-slice`]
      : []),
    ...(stuck > 0
      ? [
          `${counted(stuck, 'event')} of ${domain} ${are(stuck)} stuck, the first in the slice of ${stuckFrom?.replace('.000Z', 'Z')}: dlq list shows why; if it lists none, docs/runbook.md#stuck`,
        ]
      : []),
    ...(unconfirmed > 0
      ? [
          `${counted(unconfirmed, 'event')} of ${domain} ${unconfirmed === 1 ? 'was' : 'were'} never listed by Mailgun, and may be forged: unconfirmed lists them`,
        ]
      : []),
    ...(altered > 0
      ? [
          `${counted(altered, 'event')} of ${domain} ${are(altered)} stored otherwise than Mailgun lists, and may be forged: unconfirmed lists them`,
        ]
      : []),
  ];
}

const are = (count: number) => (count === 1 ? 'is' : 'are');
