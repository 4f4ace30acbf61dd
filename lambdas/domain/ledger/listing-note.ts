/** Mailgun's announcement of the end of one of its APIs: the headers `Deprecation` and `Sunset`. */
export interface Announcement {
  api: 'events' | 'logs';
  deprecation?: string;
  sunset?: string;
}

/** The ledger's note on the end of the API that it lists by. Times are in epoch milliseconds. */
export interface ListingNote {
  /** Since when Mailgun's Events API is gone (410), and the ledger lists by the Logs API instead. */
  fellBackAt?: number;
  announced?: Announcement & { at: number };
}

/** State of the API's end, as in its metric. */
export const LISTING_END = { none: 0, announced: 1, gone: 2 } as const;

/** Returns the announced end of an API in words. */
export function announcementText({ api, deprecation, sunset }: Announcement): string {
  const headers = [sunset && `Sunset: ${sunset}`, deprecation && `Deprecation: ${deprecation}`].filter(Boolean);
  return `${api === 'events' ? 'Events' : 'Logs'} API (${headers.join(', ')})`;
}
