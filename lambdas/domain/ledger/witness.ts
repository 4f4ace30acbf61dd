import { DAY_SECONDS, HOUR_SECONDS } from '../../contract.ts';
import { EVENT_TYPES, WEBHOOK_TYPES } from '../event-types.ts';
import { add, type Counts, numberOf, total } from './counts.ts';
import type { Slice, SliceState } from './slice.ts';

// Mailgun's own counts, by its Metrics API, as a third witness beside its listing and the webhooks.

/** Seconds that Mailgun keeps hourly counts. */
export const WITNESS_KEPT_SECONDS = 60 * DAY_SECONDS;

/** The types that Mailgun counts, which are those that it posts, each with its name in the Metrics API. */
export const COUNTED_TYPES = WEBHOOK_TYPES.map((id) => ({
  id,
  event: EVENT_TYPES[id].event,
  countedAs: `${id.replace(/_fail$/, '_failed')}_count`,
}));
const COUNTED_EVENTS = new Set(COUNTED_TYPES.map(({ event }) => event));

/** Mailgun's counts of a domain in an hour; the start is in epoch seconds. */
export interface WitnessHour {
  start: number;
  /** By event type, failures by their severity. */
  counts: Counts;
  /** Webhooks that Mailgun could not deliver, as it counts them. */
  failedWebhooks: number;
}

/** The counts that were read; an hour of the range that has none counts nothing. */
export interface Witness {
  /** Epoch seconds; the end does not belong to the range. */
  since: number;
  until: number;
  hours: readonly WitnessHour[];
}

/** Why counts may differ although no event is missing. */
type WitnessCause = 'opens-and-clicks' | 'batch-or-routed';

/** An hour as Mailgun counts it and as the ledger does. */
export interface JudgedHour {
  start: number;
  mailgun: Counts;
  ledger: Counts;
  /** How many events Mailgun counts more, and how many fewer, summed over types. */
  lacks: number;
  exceeds: number;
  causes: WitnessCause[];
  failedWebhooks: number;
}

type JudgedSlice = Pick<Slice, 'start' | 'end' | 'expected' | 'accepted'> & { state: SliceState };

/**
 * Compares the hours that are counted by both sides: all slices of the hour are in the ledger, and Mailgun's counts were
 * read while it kept them. An hour without an event on either side is left out, unless Mailgun no longer lists it.
 */
export function judgeHours(
  slices: readonly JudgedSlice[],
  witness: Witness | undefined,
  nowSeconds: number,
): JudgedHour[] {
  if (witness === undefined) return [];
  const since = Math.max(witness.since, nowSeconds - WITNESS_KEPT_SECONDS);
  const counted = new Map(witness.hours.map((hour) => [hour.start, hour]));
  const byHour = new Map<number, JudgedSlice[]>();
  for (const slice of slices) {
    const hour = hourOf(slice.start);
    byHour.set(hour, [...(byHour.get(hour) ?? []), slice]);
  }
  return [...byHour].flatMap(([start, held]) => {
    if (start < since || start + HOUR_SECONDS > witness.until || !isCovered(held)) return [];
    const judged = judge(start, held, counted.get(start));
    const isSilent = total(judged.mailgun) + total(judged.ledger) + judged.failedWebhooks === 0;
    return isSilent && !held.some(({ state }) => state === 'unlisted') ? [] : [judged];
  });
}

/** Returns the start of the hour that holds a time. */
export function hourOf(epochSeconds: number): number {
  return Math.floor(epochSeconds / HOUR_SECONDS) * HOUR_SECONDS;
}

/** Merges two readings of an hour, type by type: Mailgun's counts only grow. */
export function mergeHours(one: WitnessHour | undefined, other: WitnessHour): WitnessHour {
  if (one === undefined) return other;
  const counts: Counts = {};
  for (const type of new Set([...Object.keys(one.counts), ...Object.keys(other.counts)])) {
    add(counts, type, Math.max(numberOf(one.counts, type), numberOf(other.counts, type)));
  }
  return { start: one.start, counts, failedWebhooks: Math.max(one.failedWebhooks, other.failedWebhooks) };
}

const isCovered = (slices: readonly JudgedSlice[]) =>
  slices.every(({ state }) => state !== 'due') &&
  slices.reduce((sum, { start, end }) => sum + end - start, 0) === HOUR_SECONDS;

function judge(start: number, slices: readonly JudgedSlice[], hour: WitnessHour | undefined): JudgedHour {
  const mailgun = hour?.counts ?? {};
  const [byEvent, ledger]: [Counts, Counts] = [{}, {}];
  for (const { id, event } of COUNTED_TYPES) add(byEvent, event, numberOf(mailgun, id));
  let [lacks, exceeds] = [0, 0];
  const causes = new Set<WitnessCause>();
  for (const event of COUNTED_EVENTS) {
    for (const { expected } of slices) add(ledger, event, numberOf(expected, event));
    const difference = numberOf(byEvent, event) - numberOf(ledger, event);
    if (difference === 0) continue;
    causes.add(event === 'opened' || event === 'clicked' ? 'opens-and-clicks' : 'batch-or-routed');
    if (difference > 0) lacks += difference;
    else exceeds -= difference;
  }
  // An operator's acceptances are in no count of the slice, whatever their type.
  lacks = Math.max(0, lacks - slices.reduce((sum, { accepted }) => sum + accepted, 0));
  return { start, mailgun, ledger, lacks, exceeds, causes: [...causes], failedWebhooks: hour?.failedWebhooks ?? 0 };
}
