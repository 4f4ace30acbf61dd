import { isObject, type Json, type JsonObject, textIn } from '../json.ts';

// Only this folder reads paths of a raw event; everything else takes facts of the parsed one.

/** Returns the string at this path, or undefined where anything on the way is missing or of another type. */
export function textAt(event: JsonObject, ...path: string[]): string | undefined {
  return textIn(valueAt(event, ...path));
}

/** Returns the value at this path, or undefined. */
export function valueAt(event: JsonObject, ...path: string[]): Json | undefined {
  let value: Json | undefined = event;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}
