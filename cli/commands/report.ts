import { createCampaignReader } from '../../lambdas/adapters/table/day-index-repository.ts';
import { createErasureRepository } from '../../lambdas/adapters/table/event-repository.ts';
import { createSliceRepository } from '../../lambdas/adapters/table/slice-repository.ts';
import { DAY_SECONDS, MAX_SLICE_SECONDS } from '../../lambdas/contract.ts';
import { tracedObjects } from '../../lambdas/domain/campaign/archived-event.ts';
import type { MailCounts, PeopleCounts } from '../../lambdas/domain/campaign/counts.ts';
import { mailCompleteFrom, retainedFromOf } from '../../lambdas/domain/campaign/retained-events.ts';
import {
  LOOK_BACK_SECONDS,
  type TaggedSlice,
  taggedSlice,
  timeRangesWithTag,
} from '../../lambdas/domain/campaign/tagged-slices.ts';
import { csvLine } from '../../lambdas/domain/csv.ts';
import type { TimeRange } from '../../lambdas/domain/events/day-index.ts';
import { type Completeness, CompletenessCheck, dueEndOf } from '../../lambdas/domain/ledger/completeness.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import type { FailureClass } from '../../lambdas/domain/status/failure-class.ts';
import { objectsBetween } from '../../lambdas/shared/listed-objects.ts';
import { readErasureKey } from '../access.ts';
import { openDeploymentArchive } from '../archive/history.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkStoredDomain,
  checkTag,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  timeOption,
} from '../command.ts';
import { InterruptedError, UsageError } from '../errors.ts';
import { ledgerTimes, readLedgerEnd, retentionDaysOf, tableOf } from '../ledger.ts';
import { counted, createEmit, number } from '../output.ts';
import { PRICES } from '../planning/prices.ts';
import type { Deployment } from '../target/types.ts';
import { iso, timeText } from '../time.ts';
import {
  type ArchivedObject,
  type CampaignArchive,
  type CampaignCounts,
  countCampaign,
  type ReportedMail,
} from './report/count-campaign.ts';
import { reportText } from './report/report-text.ts';

/** The lines of `report --json`. */
export type ReportLine =
  | {
      event: 'failed';
      /** Null where the recipient was erased. */
      recipient: string | null;
      messageId: string | null;
      at: string;
      failureClass: FailureClass;
      reason: string | null;
      code: string | null;
      /** The text of the server, or of Mailgun where it did not try. */
      text: string | null;
    }
  | {
      event: 'report';
      tag: string;
      domain: string;
      from: string;
      to: string;
      asOf: string;
      completeness: Completeness;
      /** Null if the report is complete; else the time before which events are in neither table nor archive. */
      completeFrom: string | null;
      /** True if slices of the time of sending do not count every tag: in these, mail was looked for event by event. */
      cut: boolean;
      mails: MailCounts;
      people: PeopleCounts;
    }
  /** The result of `--plan`: events of the table that are read at most, objects of the archive, and list prices. */
  | {
      event: 'plan';
      tag: string;
      domain: string;
      from: string;
      to: string;
      events: number;
      uncountedSeconds: number;
      objects: number;
      /** Bytes of the objects; outside AWS they are billed as traffic. */
      bytes: number;
      dollars: number;
      /** True if slices since `from` do not count every tag, so that it may read more. */
      cut: boolean;
    };

interface ReportOptions extends TargetOptions {
  readonly domain?: string;
  /** Epoch seconds. */
  readonly from?: number;
  readonly to?: number;
  readonly csv?: boolean;
  readonly plan?: boolean;
}

const USUAL_DAYS = 31;

const EXAMPLES = `
Counts the mail sent under a tag between --from and --to, and what became of it until now; each mail and each person
counts once. Opens and clicks by machines are counted separately. It reads the events of the time of sending, then each
message, and from the archive what the table no longer keeps.
If retentionDays.events was raised, reports on the time before may count too little for that many days, without a
warning.
--plan shows how many events and objects it would read, and what that costs, including traffic out of AWS. It needs
room for temporary files, as much as the mail of the period takes; memory holds one message or one person whole.
With --csv the failed recipients go to standard output, and the numbers to standard error.

Examples:
  npm run ledger -- report spring --env prod
  npm run ledger -- report spring --env prod --from 2026-11-01 --to 2026-11-08 --csv > failed.csv
  npm run ledger -- report spring --local --json

Needs on AWS: dynamodb:Query on the table and its indexes, dynamodb:BatchGetItem; with an archive also s3:GetObject and
s3:ListBucket on the bucket, secretsmanager:GetSecretValue on the erasure key.`;

export const reportCommand: CommandBuilder = (context, run) =>
  ledgerCommand('report', 'report what became of the mail that was sent under a tag')
    .argument('<tag>', 'the tag of the campaign, in any case')
    .option('--domain <name>', 'of this sending domain (needed if the stack has several)')
    .option('--from <time>', 'sent since then (31 days before --to)', timeOption('from', context))
    .option('--to <time>', 'sent before then (now)', timeOption('to', context))
    .option('--csv', 'print the failed recipients as a table for a spreadsheet')
    .option('--plan', 'only show what would be read, and what it costs')
    .addHelpText('after', EXAMPLES)
    .action(run<ReportOptions>((options, tag = '') => report(context, options, tag)));

async function report(context: CliContext, options: ReportOptions, given: string): Promise<number> {
  const { csv, json, plan } = options;
  const tag = checkTag(given);
  if (csv && json) throw new UsageError('--csv and --json cannot be combined');
  const now = Math.ceil(context.now() / 1000);
  const to = options.to ?? now;
  const from = options.from ?? to - USUAL_DAYS * DAY_SECONDS;
  if (from >= to) throw new UsageError('--from must be before --to');
  const deployment = await openTarget(context, options);
  const domain = domainOf(deployment, options.domain);
  const slices = await readSlices(deployment, domain, tag, from - LOOK_BACK_SECONDS, Math.max(to, now));
  const archive = await findArchive(deployment, domain, slices, from, context.now());
  const sending = slices.filter(({ start, end }) => end > from && start < to);
  const time = { fromMs: from * 1000, toMs: Math.min(to, now) * 1000 };
  const timeRanges = timeRangesWithTag(sending, time);
  const emit = createEmit<ReportLine>(context, json);
  const common = { tag, domain, from: timeText(from), to: timeText(to) };
  if (plan) {
    const line = planOf(common, sending, slices, timeRanges, archive);
    emit(line, planText(line));
    return 0;
  }
  if (csv) context.print(csvLine(COLUMNS));
  const onFailure = (mail: ReportedMail) => {
    const line = failureLine(mail);
    if (csv) context.print(csvLine(COLUMNS.map((column) => line[column])));
    else if (json) emit(line);
  };
  const sources = {
    reader: createCampaignReader(tableOf(deployment)),
    archive: await openCampaignArchive(deployment, archive),
  };
  const counts = await countCampaign(context, sources, { domain, tag, time, timeRanges }, onFailure);
  if (counts === undefined) throw new InterruptedError();
  const heldFrom = archive.completeFrom(counts.mails);
  const held = heldFrom === undefined ? null : timeText(heldFrom);
  const settled = await completenessOf(deployment, slices, counts, { domain, from, nowMs: context.now() });
  // The ledger also covers events that are no longer available to count.
  const completeness = held !== null && settled === 'complete' ? 'unknown' : settled;
  const { mails, people } = counts;
  const cut = isCut(slices, from, to);
  const facts = { ...common, completeness, completeFrom: held, cut, mails, people };
  const text = reportText(facts);
  const asOf = iso(context.now());
  if (csv) for (const line of text) context.printError(line);
  else emit({ event: 'report', ...facts, asOf }, ...text);
  return mails.mails + mails.testMode > 0 ? 0 : 1;
}

/** Objects of the archive for what the table no longer keeps, and since when nothing is missing in both. */
interface FoundArchive {
  readonly objects: readonly ArchivedObject[];
  readonly listings: number;
  /** In epoch seconds, for the mail that was counted. */
  readonly completeFrom: (mails: MailCounts) => number | undefined;
}

const OBJECTS_PER_LISTING = 1000;

async function findArchive(
  deployment: Deployment,
  domain: string,
  slices: readonly TaggedSlice[],
  from: number,
  nowMs: number,
): Promise<FoundArchive> {
  const days = retentionDaysOf(deployment);
  if (days === undefined) return { objects: [], listings: 0, completeFrom: () => undefined };
  const retainedFrom = retainedFromOf(nowMs, days);
  const since = from - LOOK_BACK_SECONDS;
  const archive = since < retainedFrom ? openDeploymentArchive(deployment) : undefined;
  const listed = archive === undefined ? [] : await objectsBetween(archive.listSized, domain, since, retainedFrom);
  return {
    objects: tracedObjects(listed, slices),
    listings: archive === undefined ? 0 : (retainedFrom - since) / DAY_SECONDS + listed.length / OBJECTS_PER_LISTING,
    completeFrom: (mails) =>
      mailCompleteFrom(
        { from, lookBack: since, retainedFrom },
        slices,
        new Set(listed.map(({ start }) => start)),
        mails,
      ),
  };
}

async function openCampaignArchive(
  deployment: Deployment,
  { objects }: FoundArchive,
): Promise<CampaignArchive | undefined> {
  const source = openDeploymentArchive(deployment);
  if (source === undefined || objects.length === 0) return undefined;
  const erasureKey = await readErasureKey(deployment);
  const erasures = createErasureRepository(tableOf(deployment), { read: async () => erasureKey });
  return { source, keys: objects.map(({ key }) => key), erasureKey, erasures };
}

const COLUMNS = ['recipient', 'messageId', 'at', 'failureClass', 'reason', 'code', 'text'] as const;

function domainOf(deployment: Deployment, domain: string | undefined): string {
  const [only, ...others] = deployment.domains;
  if (domain !== undefined) checkStoredDomain(deployment, domain);
  else if (only === undefined || others.length > 0) {
    throw new UsageError(`--domain is missing: the stack has ${deployment.domains.join(', ')}`);
  }
  return domain ?? (only as string);
}

async function readSlices(deployment: Deployment, domain: string, tag: string, from: number, to: number) {
  const found: TaggedSlice[] = [];
  for await (const slice of createSliceRepository(tableOf(deployment)).list(domain, from - MAX_SLICE_SECONDS, to)) {
    found.push(taggedSlice(slice, tag));
  }
  return found;
}

/** Returns the completeness of the report: exact if everything since the first mail is accounted for. */
async function completenessOf(
  deployment: Deployment,
  slices: readonly TaggedSlice[],
  { firstAtMs }: CampaignCounts,
  { domain, from, nowMs }: { domain: string; from: number; nowMs: number },
): Promise<Completeness> {
  const check = new CompletenessCheck(firstAtMs === undefined ? from : Math.floor(firstAtMs / 1000));
  for (const slice of slices) check.take(slice);
  const endsAt = await readLedgerEnd(deployment, domain);
  return check.result(Math.floor(nowMs / 1000), dueEndOf(nowMs, ledgerTimes(deployment), endsAt));
}

/** Read units of an event of up to 4 KB, read as it may be a moment ago. */
const UNITS_PER_EVENT = 0.5;

type PlanLine = ReportLine & { event: 'plan' };

function planOf(
  common: Pick<PlanLine, 'tag' | 'domain' | 'from' | 'to'>,
  sending: readonly TaggedSlice[],
  slices: readonly TaggedSlice[],
  timeRanges: readonly TimeRange[],
  { objects, listings }: FoundArchive,
): PlanLine {
  const held = sending.filter(({ mayHoldMail }) => mayHoldMail);
  const later = slices.filter(({ end }) => end * 1000 > Date.parse(common.from));
  const searched = held.reduce((sum, each) => sum + each.sendingEvents, 0);
  const events = searched + later.reduce((sum, { counts }) => sum + total(counts), 0);
  const seconds = (list: readonly TimeRange[]) =>
    list.reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs) / 1000, 0);
  const compared = held.reduce((sum, { start, end }) => sum + end - start, 0);
  const uncountedSeconds = Math.max(0, Math.round(seconds(timeRanges) - compared));
  const bytes = objects.reduce((sum, each) => sum + each.bytes, 0);
  const dollars = dollarsOf({ events, objects: objects.length, listings, bytes });
  const cut = isCut(slices, Date.parse(common.from) / 1000);
  return { event: 'plan', ...common, events, uncountedSeconds, objects: objects.length, bytes, dollars, cut };
}

/** Returns true if a slice in a time range (epoch seconds) has too many tags to count each. */
export const isCut = (slices: readonly TaggedSlice[], from: number, to = Number.POSITIVE_INFINITY) =>
  slices.some((slice) => slice.isCut && slice.end > from && slice.start < to);

/** Returns the list price of what a report reads, from outside AWS. */
export function dollarsOf(read: { events: number; objects: number; listings: number; bytes: number }): number {
  return (
    read.events * UNITS_PER_EVENT * PRICES.perReadUnit +
    read.objects * PRICES.perObjectRead +
    read.listings * PRICES.perObjectListing +
    trafficDollars(read.bytes)
  );
}

const trafficDollars = (bytes: number) => (bytes / 1e9) * PRICES.perGigabyteSent;

function planText({ tag, domain, events, uncountedSeconds, objects, bytes, dollars, cut }: PlanLine): string {
  const uncounted =
    uncountedSeconds === 0 ? '' : `, and those of ${number(uncountedSeconds)} s that the ledger has not counted yet`;
  const archived = objects === 0 ? '' : `, and ${counted(objects, 'object')} of the archive`;
  const traffic = bytes === 0 ? '' : `, of which $${trafficDollars(bytes).toFixed(4)} for traffic out of AWS`;
  return (
    `Plan: ${tag} of ${domain} reads about ${number(events)} events${uncounted}${archived}: ` +
    `$${dollars.toFixed(4)}${traffic}.${cut ? ' Slices with very many tags since then do not count rare ones: it may read more.' : ''}`
  );
}

type FailureLine = ReportLine & { event: 'failed' };

function failureLine({ recipient, messageId, mail: { failure } }: ReportedMail): FailureLine {
  const { atMs, failureClass, reason, code, text } = failure as NonNullable<typeof failure>;
  return { event: 'failed', recipient, messageId, at: iso(atMs), failureClass, reason, code, text };
}
