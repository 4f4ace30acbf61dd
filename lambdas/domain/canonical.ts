import { createHash } from 'node:crypto';

/** A parsed JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A parsed JSON object; `event-data` is one. */
export type JsonObject = { [key: string]: Json };

/** Change it together with `canonical`; claims written under another version are not compared by hash. */
const HASH_VERSION = 1;

/** Returns whether the value is a JSON object, not an array and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns whether arrays and objects nest deeper than `limit`; recursion over the value is safe where they do not. */
export function isDeeperThan(value: Json, limit: number): boolean {
  const containers = (values: Json[]) => values.filter((node) => typeof node === 'object' && node !== null);
  let level = containers([value]);
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = containers(level.flatMap((node) => Object.values(node as JsonObject)));
  }
  return false;
}

/** Returns JSON with sorted keys, the same for two spellings of one value. */
export function canonicalJson(value: unknown): string {
  return canonical(JSON.parse(JSON.stringify(value)) as Json);
}

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (isObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonical(value[key] as Json)}`);
    return `{${members.join(',')}}`;
  }
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

/** `<version>:<SHA-256 hex>` of the event's canonical form. */
export function eventHash(event: JsonObject): string {
  return `${HASH_VERSION}:${createHash('sha256').update(canonical(event)).digest('hex')}`;
}

/** JSON in ASCII: everything else is escaped, because SQS refuses some characters and lone surrogates do not survive UTF-8. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
