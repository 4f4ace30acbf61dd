import { EVENT_TYPES } from '../event-types.ts';
import type { MailgunEvent } from '../events/mailgun-event.ts';
import { asciiJson } from '../json.ts';
import { mailboxProviderOf, OTHER_PROVIDER } from '../recipients/mailbox-provider.ts';
import { policyCodeOf } from '../status/classify-failure.ts';
import { addToRow, type Counts, numberOf, type Rows, total } from './counts.ts';

/** Listed events by something that their mail has in common, and by type; failures are counted by their severity. */
export interface Dimensions {
  /** Mailbox provider of the recipient. */
  provider: Rows;
  /** Address that the mail was sent from. */
  ip: Rows;
  /** Permanent failures by mailbox provider and by their `5.7.x` code: refused by a policy of the provider. */
  policy: Rows;
  /** Failures by tag and by severity, as rows of tags: `*` all, `""` untagged. Rare tags have no row. */
  failure: Rows;
}

/** The tag under which every event is counted. */
const ALL_TAGS = '*';

const NAMES = ['provider', 'ip', 'policy', 'failure'] as const;

/** Rows of a slice that are kept exactly, the most frequent ones; the others are added up in `other`. */
const MAX_ROWS = 50;
/** Rows while a pass counts. */
const MAX_COUNTED_ROWS = 1000;
/** JSON of the rows that are kept of a dimension: with the maximum of tags and names, an item has 400 KB. */
const MAX_BYTES = 18_000;

export const emptyDimensions = (): Dimensions => ({ provider: {}, ip: {}, policy: {}, failure: {} });

/** Counts one event; mail in test mode and mail to us has no deliverability, so only its failures count, by tag. */
export function countDimensions(dimensions: Dimensions, event: MailgunEvent): void {
  const { name, type, tags, sendingIp, isTestMode, isInbound } = event;
  const isTemporary = type === EVENT_TYPES.temporary_fail;
  const counted = name === 'failed' ? (isTemporary ? 'temporary_fail' : 'permanent_fail') : name.slice(0, 64);
  if (name === 'failed') {
    const named = tags.filter((tag) => tag !== ALL_TAGS);
    for (const tag of [ALL_TAGS, ...(named.length === 0 ? [''] : named)])
      addBounded(dimensions, 'failure', tag, counted);
  }
  if (isTestMode || isInbound || name === '') return;
  const provider = mailboxProviderOf(event);
  const ip = sendingIp?.slice(0, 64) ?? OTHER_PROVIDER;
  addBounded(dimensions, 'provider', provider, counted);
  addBounded(dimensions, 'ip', ip, counted);
  const code = counted === 'permanent_fail' ? policyCodeOf(event) : undefined;
  if (code !== undefined) addBounded(dimensions, 'policy', provider, code);
}

/** Adds counts of another part, perhaps by an earlier version, which knew fewer dimensions. */
export function addDimensions(sum: Dimensions, more: Partial<Dimensions>): void {
  for (const dimension of NAMES) {
    for (const [name, row] of Object.entries(more[dimension] ?? {})) {
      for (const [type, count] of Object.entries(row)) addBounded(sum, dimension, name, type, count);
    }
  }
}

/** Returns the dimensions with a bounded number of rows, so that a slice stays one item. */
export function boundedDimensions(dimensions: Dimensions): Dimensions {
  return mapDimensions((dimension) =>
    mostFrequent(dimensions[dimension], dimension === 'failure' ? MAX_COUNTED_ROWS : MAX_ROWS, restOf(dimension)),
  );
}

/** Limits the rows of a part to what fits into an item; more than for a slice, since parts are still summed. */
export function boundedPart(dimensions: Dimensions): Dimensions {
  return mapDimensions((dimension) => mostFrequent(dimensions[dimension], MAX_COUNTED_ROWS, restOf(dimension)));
}

/** Returns true if a slice may have had more names in a dimension than those with a row of their own. */
export const mayBeCut = (rows: Rows): boolean => Object.keys(rows).length >= MAX_ROWS;

/** Returns true if failures of a tag did not fit into the slice; slices of earlier versions counted none. */
export function lacksFailures(tags: Rows, { failure }: Pick<Dimensions, 'failure'>): boolean {
  const divided = (tag: string) => (Object.hasOwn(failure, tag) ? total(failure[tag] as Counts) : 0);
  return (
    Object.hasOwn(failure, ALL_TAGS) &&
    Object.entries(tags).some(([tag, row]) => numberOf(row, 'failed') > divided(tag.toLowerCase()))
  );
}

const mapDimensions = (rowsOf: (dimension: keyof Dimensions) => Rows): Dimensions => ({
  provider: rowsOf('provider'),
  ip: rowsOf('ip'),
  policy: rowsOf('policy'),
  failure: rowsOf('failure'),
});

/** Row that sums rows beyond the limit; none for tags, because a tag may have any name. */
const restOf = (dimension: keyof Dimensions) => (dimension === 'failure' ? undefined : OTHER_PROVIDER);

function mostFrequent(rows: Rows, maxRows: number, rest: string | undefined): Rows {
  const byCount = Object.entries(rows).sort(([, a], [, b]) => total(b) - total(a));
  const kept: Rows = {};
  let bytes = 0;
  for (const [position, [name, row]] of byCount.entries()) {
    bytes += asciiJson({ [name]: row }).length;
    const keptAs = name === rest || (position < maxRows && bytes <= MAX_BYTES) ? name : rest;
    if (keptAs === undefined) continue;
    for (const [type, count] of Object.entries(row)) addToRow(kept, keptAs, type, count);
  }
  return kept;
}

function addBounded(dimensions: Dimensions, dimension: keyof Dimensions, name: string, type: string, count = 1): void {
  const rows = dimensions[dimension];
  const hasRoom = Object.hasOwn(rows, name) || Object.keys(rows).length < MAX_COUNTED_ROWS;
  const keptAs = hasRoom ? name : restOf(dimension);
  if (keptAs !== undefined) addToRow(rows, keptAs, type, count);
}
