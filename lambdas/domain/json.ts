/** A parsed JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A parsed JSON object; `event-data` is one. */
export type JsonObject = { [key: string]: Json };

/** Returns true if the value is a JSON object, not an array and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Returns a value that is a text, if it is not empty. JSON can hold an unpaired surrogate, which DynamoDB refuses, and no
 * URL can name: it is read as U+FFFD, so that all that is stored, compared and searched is the same text.
 */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.toWellFormed() : undefined;
}

/** Returns true if the value is a whole number that is not negative. */
export function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Returns true if arrays and objects nest deeper than `limit`; recursion over the value is safe where they do not. */
export function isDeeperThan(value: Json, limit: number): boolean {
  const containers = (values: Json[]) => values.filter((node) => typeof node === 'object' && node !== null);
  let level = containers([value]);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = containers(level.flatMap((node) => Object.values(node as JsonObject)));
  }
  return false;
}

/**
 * Returns ASCII JSON: all other characters are escaped, because SQS rejects some, and lone surrogates do not survive
 * UTF-8.
 */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const PERHAPS_INEXACT = /\d{16}|[eE][+]?\d{2}/;

function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(source) || String(value) === source;
}

/**
 * Parses JSON without losing digits: a number that JavaScript cannot hold, such as a 64-bit id, becomes its text.
 * Throws a SyntaxError whose message quotes the input.
 */
export function parseJson(text: string): Json {
  if (!PERHAPS_INEXACT.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value, context?: { source?: string }) => {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return isExact(value, context.source) ? value : context.source;
  });
}

/** Returns what a JSON text holds, undefined where it is none: the parser's own message would quote the text. */
export function jsonIn(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
