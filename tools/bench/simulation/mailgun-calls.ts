/** Listing mode: which API, and whether the second pass requests totals first. */
export type ListingMode = 'events' | 'logs' | 'logs with totals';

/** Maximum number of events on a page. */
const PER_PAGE: Readonly<Record<ListingMode, number>> = { events: 300, logs: 100, 'logs with totals': 100 };
const SLICES_A_DAY = 96;

/** Daily calls independent of traffic: counts, registered webhooks of domain and account, redaction. */
export const OTHER_CALLS_A_DAY = 4 * 24;

/** Returns the calls for both passes of a slice without missing, late or forged events. */
export function callsForSlice(listing: ListingMode, events: number): number {
  // An empty page ends a listing.
  const once = Math.ceil(events / PER_PAGE[listing]) + 1;
  return once + (listing === 'logs with totals' ? 1 : once);
}

/** Returns the listing calls of a domain for a day with this number of events, evenly spread. */
export function callsInDay(listing: ListingMode, eventsADay: number): number {
  return SLICES_A_DAY * callsForSlice(listing, eventsADay / SLICES_A_DAY);
}
