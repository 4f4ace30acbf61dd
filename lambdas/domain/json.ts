import type { Json } from './canonical.ts';

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
