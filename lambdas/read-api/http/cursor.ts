import { createHash } from 'node:crypto';

const VERSION = 'v2';

/** The request that a cursor belongs to: an operation, and its query as it was read, without limit and cursor. */
export type QueryIdentity = readonly [operation: string, query: object];

/**
 * Writes a position as text that is good for its own query: the check covers both. The check needs no key: a client that
 * invents a cursor gets no further than the query's own range, because every position is read as a place inside it
 * (`isPosition` in `paging.ts`).
 */
export function writeCursor(identity: QueryIdentity, position: unknown): string {
  const text = Buffer.from(JSON.stringify(position)).toString('base64url');
  return `${text}.${checkOf(identity, text)}`;
}

/** Returns the position that a cursor of this query holds, whose shape is not known yet; undefined for any other text. */
export function readCursor(identity: QueryIdentity, cursor: string): unknown {
  const [text = '', check, ...rest] = cursor.split('.');
  if (rest.length > 0 || check !== checkOf(identity, text)) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function checkOf([operation, query]: QueryIdentity, text: string): string {
  // A schema gives its parameters in one order, whatever the client's.
  const hash = createHash('sha256').update(JSON.stringify([VERSION, operation, query, text]));
  return hash.digest('base64url').slice(0, 22);
}

/** Returns true if a value is text that could be a key of the table. */
export function isKeyText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed() && Buffer.byteLength(value) <= 1024;
}

/** Returns true if a value is a time in epoch milliseconds. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 1e13;
}
