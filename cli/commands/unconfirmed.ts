import { createDayIndexRepository } from '../../lambdas/adapters/table/day-index-repository.ts';
import { batchGetAll, type LedgerTable } from '../../lambdas/adapters/table/ledger-table.ts';
import { storedStatus } from '../../lambdas/adapters/table/recipient-repository.ts';
import { createSliceRepository } from '../../lambdas/adapters/table/slice-repository.ts';
import { DAY_SECONDS, MAX_SLICE_SECONDS, secondPassSeconds, UNKNOWN_DOMAIN } from '../../lambdas/contract.ts';
import type { StoredKey } from '../../lambdas/domain/events/day-index.ts';
import { eventName, messageIdOf } from '../../lambdas/domain/events/event.ts';
import { recipientOf } from '../../lambdas/domain/events/mailgun-event.ts';
import { messageIdInPartition, nameInEventKey, parseMessageSort, statusSort } from '../../lambdas/domain/keys.ts';
import { type Counts, total } from '../../lambdas/domain/ledger/counts.ts';
import { doubtsOf, type Slice } from '../../lambdas/domain/ledger/slice.ts';
import {
  type CliContext,
  type CommandBuilder,
  chosenDomains,
  interruptible,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  timeOption,
} from '../command.ts';
import { eventOf, type HistoryEvent } from '../event-history.ts';
import { ledgerTimes, readDoubtful, tableOf } from '../ledger.ts';
import { counted, createEmit, plain, printedCommand } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { iso, timeText } from '../time.ts';
import { causedSuppressions, createSuppressionReader, type SuppressionReader } from './distrust.ts';
import { type AlteredLine, alteredText, findAltered } from './unconfirmed/altered.ts';

/** The lines of `unconfirmed --json`: one for each event and slice, then what was searched. */
export type UnconfirmedLine =
  | AlteredLine
  | {
      event: 'unconfirmed';
      domain: string;
      /** Null where the event names no message, or its recipient was erased. */
      messageId: string | null;
      /** As in the keys, if the recipient was erased. */
      recipient: string;
      type: string;
      at: string;
      receivedAt: string | null;
      /** When the second pass found that Mailgun does not list it. */
      unconfirmedSince: string;
      /** The status that it decides; null where another event does. */
      decides: string | null;
      /** The kinds of suppressions in force that it causes. */
      suppresses: readonly string[];
      /** The command that discards both; null where there is nothing to discard, or no command can name it. */
      fix: string | null;
    }
  | {
      event: 'slice';
      domain: string;
      start: string;
      end: string;
      events: number;
      /** The command that reads Mailgun's listing of the slice again; null without a domain. */
      compare: string | null;
      /** The command that closes the slice once the cause is known. */
      accept: string;
    }
  | {
      /** Number of unlisted events in a slice, by type; the second pass decides which. */
      event: 'undecided';
      domain: string;
      start: string;
      end: string;
      types: Readonly<Record<string, number>>;
      /** When the second pass decides, or shortly after. */
      decidedAt: string;
    }
  | {
      /** Number of events in a slice, by type, that Mailgun lists with other content. */
      event: 'altered';
      domain: string;
      start: string;
      end: string;
      types: Readonly<Record<string, number>>;
      /** The command that closes the slice once the cause is known. */
      accept: string;
    }
  | {
      event: 'searched';
      domains: string[];
      since: string;
      slices: number;
      found: number;
      /** Not listed so far, and still to be looked for by the second pass. */
      undecided: number;
      altered: number;
    };

interface UnconfirmedOptions extends TargetOptions {
  readonly domain?: string;
  /** Epoch seconds. */
  readonly since?: number;
}

const EXAMPLES = `
An event is unconfirmed if Mailgun did not list it by the second pass: it may be forged, or missing from Mailgun's
listing.
Each event is shown with what it changed and the command that discards that; each slice with the commands that read
Mailgun's listing again and that close it. A slice whose unconfirmed events are all accepted is left out. Events that
Mailgun has not listed so far are counted by slice, with the time of its second pass. So are altered events, which
reconciliation corrects from the listing; which they were, and what differed, comes from the log of reconcile.
Without --since, every slice that the alarm counts is searched, whatever its age.

Examples:
  npm run ledger -- unconfirmed --env prod
  npm run ledger -- unconfirmed --env prod --domain mg.example.com --since 2026-11-01
  npm run ledger -- unconfirmed --local --json

Needs on AWS: dynamodb:Query, GetItem and BatchGetItem on the table, dynamodb:Query on its index byDay,
logs:FilterLogEvents on the log group of reconcile.`;

export const unconfirmedCommand: CommandBuilder = (context, run) =>
  ledgerCommand('unconfirmed', 'list stored events that Mailgun never listed')
    .option('--domain <name>', 'only this sending domain, - for events that name none (all)')
    .option(
      '--since <time>',
      'events that happened since then (two days before the second pass)',
      timeOption('since', context),
    )
    .addHelpText('after', EXAMPLES)
    .action(run<UnconfirmedOptions>(interruptible(context, (options) => unconfirmed(context, options))));

async function unconfirmed(context: CliContext, options: UnconfirmedOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const domains = chosenDomains(deployment, options.domain);
  const nowSeconds = Math.ceil(context.now() / 1000);
  const since = options.since ?? nowSeconds - 2 * DAY_SECONDS - secondPassOf(ledgerTimes(deployment));
  const emit = createEmit<UnconfirmedLine>(context, options.json);

  const passSeconds = secondPassSeconds(ledgerTimes(deployment).retentionSeconds);
  const sums = { slices: 0, found: 0, undecided: 0, altered: 0 };
  for (const domain of domains) {
    for await (const finding of findUnconfirmed(deployment, domain, since, nowSeconds, options.since === undefined)) {
      const { events } = finding;
      sums.slices += finding.slices;
      sums.undecided += total(finding.undecided);
      sums.altered += total(finding.altered);
      sums.found += events.length;
      const statuses = await readStatuses(deployment, events);
      const readSuppressions = createSuppressionReader(deployment);
      for (const event of events) {
        const line = await lineOf(deployment, readSuppressions, event, domain, statuses);
        emit(line, ...textOf(line));
      }
      if (events.length > 0) {
        const line = sliceLine(deployment, domain, finding);
        emit(line, ...sliceText(line));
      }
      for (const line of countLines(deployment, domain, finding, passSeconds)) emit(line, countText(line));
    }
  }
  const altered = await findAltered(deployment, domains, since * 1000);
  if (typeof altered === 'string') context.printError(`which events were altered is not known: ${altered}`);
  else for (const line of altered) emit(line, ...alteredText(line));
  // Distrusted events count as altered until they are corrected, and say nothing about the key: if they are all there is.
  const uncorrected = typeof altered === 'string' ? [] : altered.filter(({ isPutRight }) => !isPutRight);
  const isExplained = uncorrected.length === sums.altered && uncorrected.every(({ wasDistrusted }) => wasDistrusted);
  emit(
    { event: 'searched', domains, since: timeText(since), ...sums },
    `${sums.found === 0 ? 'No event is unconfirmed' : `${counted(sums.found, 'event')} unconfirmed`}: searched ` +
      `${counted(sums.slices, 'slice')} of ${domains.map(domainText).join(' and ')} since ${timeText(since)}.`,
    ...(sums.undecided === 0 ? [] : [`${counted(sums.undecided, 'event')} not listed so far.`]),
    ...(sums.altered === 0 || isExplained
      ? []
      : [
          `${counted(sums.altered, 'event')} stored otherwise than Mailgun lists: others may use captured signatures, so replace the key (runbook, token-reused): ${printedCommand(deployment, 'keys rotate --plan')}`,
        ]),
  );
  return 0;
}

const domainText = (domain: string) => (domain === UNKNOWN_DOMAIN ? 'events that name no domain' : domain);

const secondPassOf = ({ retentionSeconds, settleSeconds }: { retentionSeconds: number; settleSeconds: number }) =>
  secondPassSeconds(retentionSeconds) + settleSeconds;

type EventLine = UnconfirmedLine & { event: 'unconfirmed' };
type Statuses = ReadonlyMap<string, ReturnType<typeof storedStatus>>;

async function lineOf(
  deployment: Deployment,
  readSuppressions: SuppressionReader,
  stored: UnconfirmedEvent,
  domain: string,
  statuses: Statuses,
): Promise<EventLine> {
  const { partition, eventSort, event, atMs, receivedAtMs, unconfirmedSinceMs } = stored;
  const { recipientKey, eventKey = '' } = parseMessageSort(eventSort);
  const messageId = messageIdInPartition(partition) ?? (event && messageIdOf(event)) ?? null;
  const recipient = (event && recipientOf(event)) ?? recipientKey;
  const status = statuses.get(statusName(partition, recipientKey));
  const decides = status?.decidedBy === eventKey ? status.status : null;
  const suppresses = [
    ...new Set((await causedSuppressions(readSuppressions, stored)).map(({ kind }) => kind as string)),
  ];
  const hasEffect = decides !== null || suppresses.length > 0;
  return {
    event: 'unconfirmed',
    domain,
    messageId,
    recipient,
    type: event ? eventName(event) : nameInEventKey(eventKey),
    at: iso(atMs),
    receivedAt: receivedAtMs === undefined ? null : iso(receivedAtMs),
    unconfirmedSince: iso(unconfirmedSinceMs),
    decides,
    suppresses,
    fix: (hasEffect && messageId !== null && printedCommand(deployment, 'distrust', messageId, recipient)) || null,
  };
}

function textOf({ domain, messageId, recipient, type, at, receivedAt, ...effect }: EventLine): string[] {
  const { decides, suppresses, fix } = effect;
  const received = receivedAt === null ? '' : `, received ${receivedAt}`;
  const changed = [
    ...(decides === null ? [] : [`decides the status ${decides}`]),
    ...suppresses.map((kind) => `suppresses the address (${kind})`),
  ];
  return [
    `${plain(domainText(domain))}  ${plain(type)} at ${at}${received}  ${plain(recipient)}  ${plain(messageId ?? 'no message id')}`,
    `  ${changed.length === 0 ? 'changes nothing' : changed.join(' and ')}${fix === null ? '' : `; to discard that: ${fix}`}`,
  ];
}

function sliceLine(
  deployment: Deployment,
  domain: string,
  { start, end, events }: Finding,
): UnconfirmedLine & { event: 'slice' } {
  const [from, to] = [timeText(start), timeText(end)];
  const compare = `replay --from ${from} --to ${to} --domain ${domain}`;
  return {
    event: 'slice',
    domain,
    start: from,
    end: to,
    events: events.length,
    compare: domain === UNKNOWN_DOMAIN ? null : (printedCommand(deployment, compare) ?? null),
    accept: acceptOf(deployment, { domain, start: from }),
  };
}

function sliceText({ domain, start, end, events, compare, accept }: UnconfirmedLine & { event: 'slice' }): string[] {
  return [
    `${domainText(domain)}  ${start} to ${end}: ${counted(events, 'event')} unconfirmed`,
    ...(compare === null ? [] : [`  to read Mailgun's listing once more: ${compare}`]),
    `  once the cause is known: ${accept}`,
  ];
}

type CountLine = UnconfirmedLine & { event: 'undecided' | 'altered' };

/** Returns the lines for a slice of which only counts are known. */
function countLines(
  deployment: Deployment,
  domain: string,
  { start, end, undecided, altered }: Finding,
  passSeconds: number,
): CountLine[] {
  const bounds = { domain, start: timeText(start), end: timeText(end) };
  const decidedAt = timeText(end + passSeconds);
  return [
    ...(total(undecided) === 0 ? [] : [{ event: 'undecided', ...bounds, types: undecided, decidedAt } as const]),
    ...(total(altered) === 0
      ? []
      : [{ event: 'altered', ...bounds, types: altered, accept: acceptOf(deployment, bounds) } as const]),
  ];
}

function countText(line: CountLine): string {
  const types = Object.entries(line.types).map(([type, count]) => `${count} ${plain(type)}`);
  const what = `${domainText(line.domain)}  ${line.start} to ${line.end}: ${types.join(', ')}`;
  return line.event === 'undecided'
    ? `${what} not listed so far; the second pass decides at ${line.decidedAt} or soon after`
    : `${what} stored otherwise than Mailgun lists, and put right from its listing; if not: ${line.accept}`;
}

const acceptOf = (deployment: Deployment, { domain, start }: { domain: string; start: string }) =>
  printedCommand(deployment, `accept ${start} --domain ${domain} --reason "<why>"`) ?? '';

/** Reads the statuses that events may decide, by partition and recipient. */
async function readStatuses(deployment: Deployment, events: readonly UnconfirmedEvent[]): Promise<Statuses> {
  const keys = new Map(
    events.map(({ partition, eventSort }) => {
      const { recipientKey } = parseMessageSort(eventSort);
      return [statusName(partition, recipientKey), { pk: partition, sk: statusSort(recipientKey) }] as const;
    }),
  );
  const items = await batchGetAll(tableOf(deployment), { Keys: [...keys.values()] });
  return new Map(
    items.map((item) => [statusName(item.pk as string, storedStatus(item).recipientKey), storedStatus(item)]),
  );
}

const statusName = (partition: string, recipientKey: string) => `${partition} ${recipientKey}`;

/** An event that the second pass marked. */
type UnconfirmedEvent = HistoryEvent & { readonly unconfirmedSinceMs: number };

/** The unconfirmed events of one slice. */
interface Finding {
  readonly slices: 1;
  /** Epoch seconds. */
  readonly start: number;
  readonly end: number;
  /** Events by type that the second pass has yet to look for. */
  readonly undecided: Counts;
  /** Events by type that are stored otherwise than Mailgun lists. */
  readonly altered: Counts;
  readonly events: UnconfirmedEvent[];
}

/**
 * Searches a domain's slices in a time range (epoch seconds), and the events of those that count any; first the older
 * slices that the alarm counts, if requested.
 */
async function* findUnconfirmed(
  deployment: Deployment,
  domain: string,
  since: number,
  until: number,
  withOlder: boolean,
): AsyncGenerator<Finding> {
  const table = tableOf(deployment);
  if (withOlder) {
    for await (const slice of readDoubtful(table, domain)) if (slice.end <= since) yield findIn(table, slice, 0);
  }
  for await (const slice of createSliceRepository(table).list(domain, since - MAX_SLICE_SECONDS, until)) {
    if (slice.end > since) yield findIn(table, slice, since);
  }
}

async function findIn(table: LedgerTable, slice: Slice, since: number): Promise<Finding> {
  const { domain, start, end, altered } = slice;
  const { unconfirmed, undecided } = doubtsOf(slice);
  const common = { slices: 1, start, end, altered, undecided } as const;
  if (total(unconfirmed) === 0) return { ...common, events: [] };
  const keys = await createDayIndexRepository(table).keys(domain, Math.max(start, since) * 1000, end * 1000 - 1);
  return { ...common, events: await readMarked(table, keys) };
}

async function readMarked(table: LedgerTable, keys: readonly StoredKey[]): Promise<UnconfirmedEvent[]> {
  const Keys = keys.map(({ partition, eventSort }) => ({ pk: partition, sk: eventSort }));
  const events = (await batchGetAll(table, { Keys })).map(eventOf);
  return events.filter(isMarked).toSorted((a, b) => a.atMs - b.atMs);
}

const isMarked = (event: HistoryEvent): event is UnconfirmedEvent => event.unconfirmedSinceMs !== undefined;
