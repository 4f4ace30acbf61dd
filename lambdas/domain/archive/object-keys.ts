import { DAY_MS, UNKNOWN_DOMAIN } from '../../contract.ts';
import { keyPart, timeKey, utcDay } from '../keys.ts';

// Every key of the archive's bucket.
//
// | key                                                       | object                                        |
// |-----------------------------------------------------------|-----------------------------------------------|
// | events/domain=<domain>/day=<UTC day>/<start>-<n>.parquet  | events of a slice; `n` > 0 is a supplement    |
// | slices/domain=<domain>/day=<UTC day>/<start>-<n>.json     | the ledger's record of the slice at that time |
// | manifests/domain=<domain>/<sequence>.json                 | link of the domain's chain                    |
// | erased/<keyed hash>.json                                  | erasure marker of a recipient                 |

/** The prefix of the keys of all events. */
export const EVENTS_PREFIX = 'events/';

/** Folder of a domain's events of a day, as readers of partitions spell it. */
export const PARTITION_TEMPLATE = `${EVENTS_PREFIX}domain=\${domain}/day=\${day}/`;

/** Returns the possible values of `domain=` in the keys of a ledger with these domains. */
export function domainsInKeys(domains: readonly string[]): string[] {
  return [...domains, UNKNOWN_DOMAIN].map(keyPart);
}

/** Returns the key of an object of events, by the slice's start in epoch seconds. */
export function objectKey(domain: string, start: number, number: number): string {
  return `${dayPrefix(domain, start * 1000)}${start}-${number}.parquet`;
}

/** Returns the key of the ledger's record of a slice, beside the object of the same number. */
export function recordKey(domain: string, start: number, number: number): string {
  return `${recordsPrefix(domain, start * 1000)}${start}-${number}.json`;
}

/** Returns what the keys of a domain's records of a UTC day start with. */
export function recordsPrefix(domain: string, dayMs: number): string {
  return `${domainRecordsPrefix(keyPart(domain))}day=${utcDay(dayMs)}/`;
}

/** Returns what the keys of all records of a domain start with, by its name in keys. */
export const domainRecordsPrefix = (nameInKeys: string) => `slices/domain=${nameInKeys}/`;

/** Reads the key of a record; undefined for any other key. */
export function parseRecordKey(key: string): Omit<ObjectPlace, 'domain'> | undefined {
  const found = /^slices\/.*\/(\d+)-(\d+)\.json$/.exec(key);
  return found === null ? undefined : { start: Number(found[1]), number: Number(found[2]) };
}

/** The prefix of the keys of all erasure markers. */
export const ERASED_PREFIX = 'erased/';
/** The content of an erasure marker: only its key matters. */
export const ERASED_TEXT = '{"v":1}';

/** Returns the key of a recipient's erasure marker, by their keyed hash. */
export function erasedKey(recipientHash: string): string {
  return `${ERASED_PREFIX}${recipientHash}.json`;
}

/** Reads the key of an erasure marker; undefined for any other key. */
export function parseErasedKey(key: string): string | undefined {
  return /^erased\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
}

/** Returns what the keys of a domain's events start with. */
export function eventsPrefix(domain: string): string {
  return `${EVENTS_PREFIX}domain=${keyPart(domain)}/`;
}

/** Returns what the keys of a domain's events of a UTC day start with. */
export function dayPrefix(domain: string, dayMs: number): string {
  return `${eventsPrefix(domain)}day=${utcDay(dayMs)}/`;
}

/** The prefix of the keys of all manifests. */
export const MANIFESTS_PREFIX = 'manifests/';

/** Returns what the keys of a domain's chain start with. */
export function chainPrefix(domain: string): string {
  return `${MANIFESTS_PREFIX}domain=${keyPart(domain)}/`;
}

/** Returns the key of a manifest by its place in the chain, which starts at 1; keys sort like sequences. */
export function manifestKey(domain: string, sequence: number): string {
  return `${chainPrefix(domain)}${timeKey(sequence)}.json`;
}

/** Reads the key of a manifest: its place in the chain; undefined for any other key. */
export function parseManifestKey(key: string): number | undefined {
  const found = /^manifests\/domain=[^/]+\/(\d+)\.json$/.exec(key);
  return found === null ? undefined : Number(found[1]);
}

/** An object of events by its key. */
export interface ObjectPlace {
  domain: string;
  start: number;
  number: number;
}

/** Reads the key of an object of events; undefined for any other key. */
export function parseObjectKey(key: string): ObjectPlace | undefined {
  const found = /^events\/domain=([^/]+)\/day=\d{4}-\d\d-\d\d\/(\d+)-(\d+)\.parquet$/.exec(key);
  return found === null ? undefined : { domain: found[1] as string, start: Number(found[2]), number: Number(found[3]) };
}

/** Yields the UTC days that a range touches, each cut to the range; times in epoch milliseconds. */
export function* daysOf(fromMs: number, toMs: number): Generator<{ fromMs: number; toMs: number }> {
  for (let from = fromMs; from < toMs; ) {
    const to = Math.min((Math.floor(from / DAY_MS) + 1) * DAY_MS, toMs);
    yield { fromMs: from, toMs: to };
    from = to;
  }
}
