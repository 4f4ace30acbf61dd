import type { JsonObject } from '../canonical.ts';
import { EVENT_TYPES } from '../event-types.ts';
import { textAt } from '../events/event.ts';
import { parseEvent } from '../events/mailgun-event.ts';
import { mailboxProviderOf, OTHER_PROVIDER } from '../recipients/mailbox-provider.ts';
import { policyCodeOf } from '../status/classify-failure.ts';
import { addToRow, type Counts, type Rows, total } from './counts.ts';

/** Listed events by something that their mail has in common, and by type; failures are counted by their severity. */
export interface Dimensions {
  /** Mailbox provider of the recipient. */
  provider: Rows;
  /** Address that the mail was sent from. */
  ip: Rows;
  /** Permanent failures by mailbox provider and by their `5.7.x` code: refused by a policy of the provider. */
  policy: Rows;
  /** Failures by tag and by severity, as rows of tags: `*` all, `""` untagged. */
  failure: Rows;
}

/** The tag that stands for every event. */
const ALL_TAGS = '*';

const NAMES = ['provider', 'ip', 'policy', 'failure'] as const;

/** Rows of a slice that are kept exactly, the most frequent ones; the others are added up in `other`. */
const MAX_ROWS = 50;
/** Rows while a pass counts. */
const MAX_COUNTED_ROWS = 1000;

export const emptyDimensions = (): Dimensions => ({ provider: {}, ip: {}, policy: {}, failure: {} });

/** Counts one event; mail in test mode and mail to us has no deliverability, so only its failures count, by tag. */
export function countDimensions(dimensions: Dimensions, event: JsonObject): void {
  const { name, type, tags, isTestMode, isInbound } = parseEvent(event);
  const isTemporary = type === EVENT_TYPES.temporary_fail;
  const counted = name === 'failed' ? (isTemporary ? 'temporary_fail' : 'permanent_fail') : name.slice(0, 64);
  if (name === 'failed') {
    const named = tags.filter((tag) => tag !== ALL_TAGS);
    for (const tag of [ALL_TAGS, ...(named.length === 0 ? [''] : named)]) addBounded(dimensions.failure, tag, counted);
  }
  if (isTestMode || isInbound || name === '') return;
  const provider = mailboxProviderOf(event);
  const ip = textAt(event, 'envelope', 'sending-ip')?.slice(0, 64) ?? OTHER_PROVIDER;
  addBounded(dimensions.provider, provider, counted);
  addBounded(dimensions.ip, ip, counted);
  const code = counted === 'permanent_fail' ? policyCodeOf(event) : undefined;
  if (code !== undefined) addBounded(dimensions.policy, provider, code);
}

/** Adds what was counted elsewhere, by an earlier version perhaps, which knew fewer dimensions. */
export function addDimensions(sum: Dimensions, more: Partial<Dimensions>): void {
  for (const dimension of NAMES) addRows(sum[dimension], Object.entries(more[dimension] ?? {}), MAX_COUNTED_ROWS);
}

/** Returns the dimensions with a bounded number of rows, so that a slice stays one item. */
export function boundedDimensions(dimensions: Dimensions): Dimensions {
  const bounded = emptyDimensions();
  for (const dimension of NAMES) {
    const byCount = Object.entries(dimensions[dimension]).sort(([, a], [, b]) => total(b) - total(a));
    addRows(bounded[dimension], byCount, dimension === 'failure' ? MAX_COUNTED_ROWS : MAX_ROWS);
  }
  return bounded;
}

/** Whether a slice may have had more names in a dimension than those with a row of their own. */
export const mayBeCut = (rows: Rows): boolean => Object.keys(rows).length >= MAX_ROWS;

function addRows(sum: Rows, rows: readonly [string, Counts][], maxRows: number): void {
  for (const [name, row] of rows) {
    for (const [type, count] of Object.entries(row)) addBounded(sum, name, type, count, maxRows);
  }
}

function addBounded(rows: Rows, name: string, type: string, count = 1, maxRows = MAX_COUNTED_ROWS): void {
  const hasRoom = Object.hasOwn(rows, name) || Object.keys(rows).length < maxRows;
  addToRow(rows, hasRoom ? name : OTHER_PROVIDER, type, count);
}
