import { createHash } from 'node:crypto';

const VERSION = 'v1';

/** A query by its route and its parameters; absent ones are undefined. */
export type QueryName = readonly (string | undefined)[];

/**
 * A position as text, good for the query it was made for: its check covers both. The check is no secret. Whoever
 * makes one up gets no further than the query's own range, because every position is read as a place inside it.
 */
export function writeCursor(query: QueryName, position: unknown): string {
  const text = Buffer.from(JSON.stringify(position)).toString('base64url');
  return `${text}.${checkOf(query, text)}`;
}

/** The position that a cursor of this query holds, whose shape is yet to be looked at; undefined for any other text. */
export function readCursor(query: QueryName, cursor: string): unknown {
  const [text = '', check, ...rest] = cursor.split('.');
  if (rest.length > 0 || check !== checkOf(query, text)) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function checkOf(query: QueryName, text: string): string {
  const hash = createHash('sha256').update(JSON.stringify([VERSION, query.map((part) => part ?? null), text]));
  return hash.digest('base64url').slice(0, 22);
}

/** Whether a value is text that could be a key of the table. */
export function isKeyText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed() && Buffer.byteLength(value) <= 1024;
}

/** Whether a value is a time in epoch milliseconds. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 1e13;
}
