import { type Item, readPartition } from '../lambdas/adapters/table/ledger-table.ts';
import { type StatusFacts, statusFacts } from '../lambdas/adapters/table/recipient-repository.ts';
import { createReconciliationStateRepository } from '../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createSliceRepository } from '../lambdas/adapters/table/slice-repository.ts';
import { isMergedCopy, unpackEvent } from '../lambdas/adapters/table/stored-event-repository.ts';
import { DAY_MS, INDEXES } from '../lambdas/contract.ts';
import { type ArchiveRow, erasedAs } from '../lambdas/domain/archive/archive-row.ts';
import { EVENT_TYPES, OTHER_EVENT } from '../lambdas/domain/event-types.ts';
import { bareMessageId } from '../lambdas/domain/events/event.ts';
import { type MailgunEvent, parseEvent } from '../lambdas/domain/events/mailgun-event.ts';
import type { Source } from '../lambdas/domain/events/queue-message.ts';
import { storedTimeOf } from '../lambdas/domain/events/stored-time.ts';
import type { JsonObject } from '../lambdas/domain/json.ts';
import {
  eventSort,
  messagePartition,
  parseDayIndexKey,
  parseMessageSort,
  recipientKey,
  utcDay,
} from '../lambdas/domain/keys.ts';
import { total } from '../lambdas/domain/ledger/counts.ts';
import {
  alignedStart,
  doubtsOf,
  isDue,
  type Slice,
  sliceFrom,
  stateOf,
  type Watermarks,
  wasComparedSince,
} from '../lambdas/domain/ledger/slice.ts';
import { failureClassOf } from '../lambdas/domain/status/classify-failure.ts';
import { FAILURE_CLASSES } from '../lambdas/domain/status/failure-class.ts';
import { statusUpdateOf } from '../lambdas/domain/status/status-update.ts';
import { openArchivedHistory } from './archive/history.ts';
import type { CliContext } from './command.ts';
import { UsageError } from './errors.ts';
import { type LedgerSettings, sliceAt, tableOf } from './ledger.ts';
import { plain } from './output.ts';
import type { Deployment } from './target/types.ts';
import { iso } from './time.ts';

/** A stored event with how it came in, as far as that is kept. Times in epoch milliseconds. */
export interface HistoryEvent {
  readonly partition: string;
  readonly eventSort: string;
  /** `<name>#<id>` */
  readonly eventKey: string;
  /** Absent where the recipient was erased. */
  readonly event: JsonObject | undefined;
  readonly domain: string;
  readonly atMs: number;
  readonly source: Source | undefined;
  readonly receivedAtMs: number | undefined;
  /** When it was stored, where that was not promptly. */
  readonly storedAtMs?: number | undefined;
  /** When a webhook brought it, first or again. */
  readonly webhookAtMs: number | undefined;
  /** Since when it is known that Mailgun does not list it. */
  readonly unconfirmedSinceMs: number | undefined;
  /** It has left the table, and was read in the archive. */
  readonly isArchived?: true;
}

export interface HistoryRecipient {
  /** As in the keys: lower case. */
  readonly key: string;
  readonly recipient: string;
  readonly status: string | null;
  readonly reason: string | null;
  readonly statusAtMs: number | undefined;
  readonly decidedBy: string | undefined;
  /** Sending domain and time of the first event, according to the status. */
  readonly domain: string | undefined;
  readonly firstAtMs: number | undefined;
  /** By their own time. */
  readonly events: readonly HistoryEvent[];
}

/** Returns a message id without angle brackets; throws a UsageError for one that is empty. */
export function checkMessageId(given: string): string {
  const messageId = bareMessageId(given);
  if (messageId === '') throw new UsageError('the message id is empty');
  return messageId;
}

/** Returns everything stored of a message, by recipient; empty if nothing is. */
export async function readHistory(deployment: Deployment, messageId: string): Promise<HistoryRecipient[]> {
  const statuses = new Map<string, Item>();
  const events = new Map<string, HistoryEvent[]>();
  for await (const item of readPartition(tableOf(deployment), messagePartition(messageId))) {
    const { recipientKey: recipient, isStatus, eventKey } = parseMessageSort(item.sk as string);
    if (isStatus) statuses.set(recipient, item);
    else if (eventKey !== undefined && !isMergedCopy(item))
      events.set(recipient, [...(events.get(recipient) ?? []), eventOf(item)]);
  }
  return [...new Set([...statuses.keys(), ...events.keys()])].map((key) =>
    recipientOf(key, statuses.get(key), events.get(key) ?? []),
  );
}

function recipientOf(key: string, item: Item | undefined, events: HistoryEvent[]): HistoryRecipient {
  const {
    recipient = key,
    status = null,
    reason = null,
    statusAtMs,
    decidedBy,
    domain,
  } = item ? statusFacts(item) : ({} as Partial<StatusFacts>);
  return {
    key,
    recipient: recipient || '-',
    status,
    reason,
    statusAtMs,
    decidedBy,
    domain,
    firstAtMs: item?.[INDEXES.byRecipient.sortKey] as number | undefined,
    events: events.toSorted((a, b) => a.atMs - b.atMs || (a.eventKey < b.eventKey ? -1 : 1)),
  };
}

/** Reads an event's item. */
export function eventOf(item: Item): HistoryEvent {
  const [pk, sk] = [item.pk as string, item.sk as string];
  return {
    partition: pk,
    eventSort: sk,
    eventKey: parseMessageSort(sk).eventKey ?? '',
    event: item.raw === undefined ? undefined : unpackEvent(item.raw as Uint8Array, { pk, sk }),
    domain: parseDayIndexKey((item[INDEXES.byDay.partitionKey] as string | undefined) ?? '').domain,
    atMs: item[INDEXES.byDay.sortKey] as number,
    source: item.source as Source | undefined,
    receivedAtMs: item.receivedAt as number | undefined,
    storedAtMs: item.storedAt as number | undefined,
    webhookAtMs: item.webhookAt as number | undefined,
    unconfirmedSinceMs: item.unconfirmedSince as number | undefined,
  };
}

const MAX_DESCRIPTION_CHARACTERS = 200;

/** Returns the event in words that need no manual. */
export function saying(raw: JsonObject): string {
  const event = parseEvent(raw);
  const failureClass = failureClassOf(event) ?? 'other';
  const reason = event.name === 'rejected' ? event.rejectReason : event.reason;
  const notes = [
    ...(failureClass === 'other' ? [] : [FAILURE_CLASSES[failureClass]]),
    ...(REASONED.has(event.name) && reason !== undefined ? [`reason: ${reason}`] : []),
    ...(event.hasGivenUp ? ['Mailgun gave up after trying for too long'] : []),
    ...(event.isByMachine ? ['by a machine and not a person'] : []),
    ...(event.isTestMode ? ['in test mode: nothing was sent'] : []),
    ...(event.isInbound ? ['mail to you, which Mailgun routed on'] : []),
  ];
  const what = event.type === OTHER_EVENT ? event.name : event.type.words;
  return [what, ...notes].join(', ') + replyText(event);
}

const REASONED = new Set(['failed', 'rejected']);

/** Returns the text of the other mail server, or of Mailgun where it sent nothing: written by strangers, so nothing in it may move the cursor. */
function replyText({ code, deliveryMessage, deliveryDescription, rejectDescription }: MailgunEvent): string {
  const parts = [code, deliveryMessage ?? deliveryDescription ?? rejectDescription].filter(
    (part) => part !== undefined && part !== '',
  );
  return parts.length === 0 ? '' : ` (${plain(parts.join(' ')).slice(0, MAX_DESCRIPTION_CHARACTERS)})`;
}

/** Returns the events of a precedence as a noun: "an open or a click". */
function nounOf(precedence: number): string {
  const nouns = Object.values(EVENT_TYPES).filter(
    (type) => type.precedence === precedence && type.event !== 'rejected',
  );
  return nouns.map(({ noun }) => noun).join(' or ') || 'anything else';
}

/** Returns why the deciding event counts more than the others. */
export function because({
  status,
  decidedBy,
  events,
}: Pick<HistoryRecipient, 'status' | 'decidedBy' | 'events'>): string {
  if (status === null) return 'Nothing that came in says what became of it.';
  const decider = events.find(({ eventKey }) => eventKey === decidedBy);
  if (decider === undefined)
    return `It was decided by the event ${decidedBy}, which is not stored any more, or not yet.`;
  const rank = rankOf(decider);
  if (rank === undefined) return 'It was decided by an event whose content was erased.';
  const others = events.filter((event) => event !== decider).map(rankOf);
  const lower = [...new Set(others.filter((other) => other !== undefined && other > 0 && other < rank))]
    .sort((a, b) => Number(a) - Number(b))
    .reverse();
  const equal = others.filter((other) => other === rank).length;
  const over = lower.map((other) => nounOf(other as number));
  const isDiscarded = events.some((event) => event.unconfirmedSinceMs !== undefined && (rankOf(event) ?? 0) > rank);
  const sentences = [
    ...(isDiscarded ? ['what counts more was discarded, since Mailgun never listed it'] : []),
    ...(over.length > 0 ? [`${nounOf(rank)} counts more than ${over.join(' and ')}, whichever came in first`] : []),
    ...(equal > 0 ? [`of ${equal + 1} such events the earliest counts`] : []),
  ];
  if (sentences.length === 0) return 'It is the only event that says what became of it.';
  const text = sentences.join('; ');
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}

function rankOf({ event }: HistoryEvent): number | undefined {
  return event && statusUpdateOf(parseEvent(event)).precedence;
}

/**
 * Reconciliation's result for one event. `slice`: the state of its slice; `not due`: Mailgun may still index it; `due`:
 * the next run compares it; `unknown`: there is no ledger for it. `listed`: if Mailgun lists the event; `never` only
 * after the second pass.
 */
export interface Reconciled {
  readonly slice: 'open' | 'short' | 'settled' | 'unlisted' | 'due' | 'not due' | 'unknown';
  readonly listed: 'yes' | 'never' | 'unknown';
  /** Why it is not known. */
  readonly why: string | null;
}

/** The facts of a domain's ledger that judge one event. */
export interface LedgerView {
  readonly watermarks: Watermarks | undefined;
  readonly slice: Slice | undefined;
  readonly times: LedgerSettings;
  readonly nowMs: number;
}

/** Judges by the stored slice, without calling Mailgun. */
export function reconciled(event: HistoryEvent, { watermarks, slice, times, nowMs }: LedgerView): Reconciled {
  const { atMs, source, receivedAtMs, storedAtMs, unconfirmedSinceMs } = event;
  const unknown = (state: Reconciled['slice'], why: string): Reconciled => ({ slice: state, listed: 'unknown', why });
  if (watermarks === undefined) return unknown('unknown', 'no ledger is kept of this domain yet');
  if (slice === undefined) {
    if (atMs / 1000 < watermarks.position) return unknown('unknown', 'the ledger does not cover this time');
    const bounds = sliceFrom(alignedStart(atMs / 1000, times.sliceSeconds), times.sliceSeconds);
    if (!isDue(bounds, times.settleSeconds, nowMs)) return unknown('not due', "Mailgun's own list is not complete yet");
    return unknown('due', 'it has not been compared yet');
  }
  const state = stateOf(slice);
  // Events that reconciliation brought were listed.
  if (source === 'reconcile') return { slice: state, listed: 'yes', why: null };
  if (slice.unlisted) return unknown(state, 'Mailgun no longer listed that time');
  if (unconfirmedSinceMs !== undefined) return { slice: state, listed: 'never', why: null };
  if (receivedAtMs === undefined) return unknown(state, 'when it came in is not kept');
  if (!wasComparedSince(slice, storedTimeOf({ receivedAtMs, storedAtMs }), times.settleSeconds)) {
    return unknown(
      state,
      `the last comparison of this time, at ${iso(slice.startedAt ?? slice.passedAt)}, may have come too early for it`,
    );
  }
  // Which events these are is known after the second pass has marked them.
  const undecided = total(doubtsOf(slice).undecided);
  if (undecided > 0) {
    return unknown(state, `${undecided} events of this time are not listed yet`);
  }
  return { slice: state, listed: 'yes', why: null };
}

/** Reads the ledger around each event; a domain and slice is read once. */
export function openReconciled(deployment: Deployment, times: LedgerSettings, nowMs: number) {
  const table = tableOf(deployment);
  const ledger = createReconciliationStateRepository(table);
  const slices = createSliceRepository(table);
  const cursors = new Map<string, Promise<Watermarks | undefined>>();
  const found = new Map<string, Promise<Slice | undefined>>();

  const once = <Value>(map: Map<string, Promise<Value>>, key: string, read: () => Promise<Value>) => {
    const held = map.get(key) ?? read();
    map.set(key, held);
    return held;
  };
  return async (event: HistoryEvent): Promise<Reconciled> => {
    const { domain } = event;
    const second = Math.floor(event.atMs / 1000);
    const [watermarks, slice] = await Promise.all([
      once(cursors, domain, () => ledger.readWatermarks(domain)),
      once(found, `${domain} ${second}`, () => sliceAt(slices, domain, second)),
    ]);
    return reconciled(event, { watermarks, slice, times, nowMs });
  };
}

/** The events that the archive adds to a history, and the UTC days that were read for it. */
interface ArchivedHistory {
  readonly history: readonly HistoryRecipient[];
  readonly days: readonly string[];
}

/**
 * Adds what has left the table and the archive still holds. It is read for recipients with events older than those in
 * the table, on the days around their first event and on that of their status, since an archive has no index of
 * messages: opens and clicks of other days stay unread. Undefined where the signal has ended it.
 */
export async function withArchived(
  { signal, printError }: Pick<CliContext, 'signal' | 'printError'>,
  deployment: Deployment,
  messageId: string,
  history: readonly HistoryRecipient[],
): Promise<ArchivedHistory | undefined> {
  const lacking = history.filter(lacksEvents);
  const readDay = lacking.length === 0 ? undefined : await openArchivedHistory(deployment);
  if (readDay === undefined) return { history, days: [] };
  const found = new Map<string, HistoryEvent[]>();
  const isWanted = (row: ArchiveRow) =>
    row.messageId === messageId && row.event !== null && erasedAs(row) === undefined;
  const wantedDays = daysByDomain(lacking);
  for (const { domain, start } of wantedDays) {
    printError(`reading the archive of ${domain}, ${utcDay(start)}`);
    for await (const rows of readDay(domain, start, start + DAY_MS, isWanted)) {
      if (signal.aborted) return undefined;
      for (const row of rows.filter(isWanted)) {
        const key = recipientKey(row.recipient ?? '');
        found.set(key, [...(found.get(key) ?? []), historyEventOf(row, domain, key)]);
      }
    }
  }
  const added = history.map((each) => {
    const events = [...each.events, ...(found.get(each.key) ?? [])];
    return { ...each, events: events.toSorted((a, b) => a.atMs - b.atMs || (a.eventKey < b.eventKey ? -1 : 1)) };
  });
  return { history: added, days: [...new Set(wantedDays.map(({ start }) => utcDay(start)))].toSorted() };
}

/** Returns true if events have left the table: the first or the deciding event of the status is missing. */
function lacksEvents({ events, firstAtMs, decidedBy }: HistoryRecipient): boolean {
  if (firstAtMs === undefined) return false;
  return events.every(({ eventKey }) => eventKey !== decidedBy) || events.every(({ atMs }) => atMs > firstAtMs);
}

function daysByDomain(recipients: readonly HistoryRecipient[]): { domain: string; start: number }[] {
  const found = new Map<string, { domain: string; start: number }>();
  for (const { domain, firstAtMs, statusAtMs } of recipients) {
    if (domain === undefined || firstAtMs === undefined) continue;
    for (const time of [firstAtMs - DAY_MS, firstAtMs, firstAtMs + DAY_MS, statusAtMs ?? firstAtMs]) {
      const start = Math.floor(time / DAY_MS) * DAY_MS;
      found.set(`${domain} ${start}`, { domain, start });
    }
  }
  return [...found.values()];
}

function historyEventOf(row: ArchiveRow, domain: string, recipient: string): HistoryEvent {
  const { key: eventKey, atMs, source, receivedAtMs, byWebhook } = row;
  return {
    partition: messagePartition(row.messageId ?? ''),
    eventSort: eventSort(recipient, eventKey),
    ...{ eventKey, domain, atMs, source, receivedAtMs },
    event: JSON.parse(row.event ?? '{}'),
    webhookAtMs: byWebhook && source === 'webhook' ? receivedAtMs : undefined,
    unconfirmedSinceMs: undefined,
    isArchived: true,
  };
}
