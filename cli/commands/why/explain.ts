import { createLedgerStateTable } from '../../../lambdas/adapters/table/ledger-state.ts';
import { createSlicesTable } from '../../../lambdas/adapters/table/slice-repository.ts';
import { EVENT_TYPES, OTHER_EVENT } from '../../../lambdas/domain/event-types.ts';
import { type MailgunEvent, parseEvent } from '../../../lambdas/domain/events/mailgun-event.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { total } from '../../../lambdas/domain/ledger/counts.ts';
import {
  alignedStart,
  doubtsOf,
  isDue,
  type Slice,
  sliceFrom,
  stateOf,
  type Watermarks,
} from '../../../lambdas/domain/ledger/slice.ts';
import { failureClassOf } from '../../../lambdas/domain/status/classify-failure.ts';
import { FAILURE_CLASSES } from '../../../lambdas/domain/status/failure-class.ts';
import { statusUpdateOf } from '../../../lambdas/domain/status/status-update.ts';
import type { HistoryEvent, HistoryRecipient } from '../../event-history.ts';
import { type LedgerTimes, sliceAt, tableOf } from '../../ledger.ts';
import type { Deployment } from '../../target/types.ts';
import { iso } from '../../time.ts';

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
  return [what, ...notes].join(', ') + answerOf(event);
}

const REASONED = new Set(['failed', 'rejected']);

/** Returns the text of the other mail server, or of Mailgun where it sent nothing: written by strangers, so nothing in it may move the cursor. */
function answerOf({ code, deliveryMessage, deliveryDescription, rejectDescription }: MailgunEvent): string {
  const parts = [code, deliveryMessage ?? deliveryDescription ?? rejectDescription].filter(
    (part) => part !== undefined && part !== '',
  );
  return parts.length === 0 ? '' : ` (${plain(parts.join(' ')).slice(0, MAX_DESCRIPTION_CHARACTERS)})`;
}

/** Returns text without control characters. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
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
  readonly times: LedgerTimes;
  readonly nowMs: number;
}

/** Judges by the stored slice, without calling Mailgun. */
export function reconciled(event: HistoryEvent, { watermarks, slice, times, nowMs }: LedgerView): Reconciled {
  const { atMs, source, receivedAtMs, unconfirmedSinceMs } = event;
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
  if (receivedAtMs > slice.passedAt) {
    return unknown(state, `it came in after this time was last compared, at ${iso(slice.passedAt)}`);
  }
  // Which events these are is known after the second pass has marked them.
  const undecided = total(doubtsOf(slice).undecided);
  if (undecided > 0) {
    return unknown(state, `${undecided} events of this time are not listed yet`);
  }
  return { slice: state, listed: 'yes', why: null };
}

/** Reads the ledger around each event; a domain and slice is read once. */
export function openReconciled(deployment: Deployment, times: LedgerTimes, nowMs: number) {
  const table = tableOf(deployment);
  const ledger = createLedgerStateTable(table);
  const slices = createSlicesTable(table);
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
