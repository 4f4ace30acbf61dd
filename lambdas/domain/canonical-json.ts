import { hash } from 'node:crypto';
import { isObject, type Json, type JsonObject } from './json.ts';

/** Change it together with `canonical`; claims written under another version are not compared by hash. */
const HASH_VERSION = 1;

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

/** Returns `<version>:<SHA-256 hex>` of the event's canonical form. */
export function eventHash(event: JsonObject): string {
  return `${HASH_VERSION}:${hash('sha256', canonical(event))}`;
}
