/** How a ledger lists: by which API, and whether its second pass asks for totals first. */
export type Listing = 'events' | 'logs' | 'logs with totals';

/** Events on a page at most. */
const PER_PAGE: Readonly<Record<Listing, number>> = { events: 300, logs: 100, 'logs with totals': 100 };
const SLICES_A_DAY = 96;

/** Calls in a day that do not depend on traffic: counts, registered webhooks of domain and account, redaction. */
export const OTHER_CALLS_A_DAY = 4 * 24;

/** Returns the calls of both passes of a slice in which nothing is missing, late or forged. */
export function callsForSlice(listing: Listing, events: number): number {
  // An empty page ends a listing.
  const once = Math.ceil(events / PER_PAGE[listing]) + 1;
  return once + (listing === 'logs with totals' ? 1 : once);
}

/** Returns the listing calls of a domain in a day with this number of events, spread evenly. */
export function callsInDay(listing: Listing, eventsADay: number): number {
  return SLICES_A_DAY * callsForSlice(listing, eventsADay / SLICES_A_DAY);
}
