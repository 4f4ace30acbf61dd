import { BadRequestError } from '../api/api-response.ts';

// Shared by the routes below /v1/analytics.

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the fields of a request; throws for unknown ones, which a caller might believe to have an effect. */
export function fieldsOf(body: unknown, known: ReadonlySet<string>): Fields {
  if (!isFields(body)) throw new BadRequestError('a JSON object is needed');
  const unknown = Object.keys(body).find((name) => !known.has(name));
  if (unknown !== undefined) throw new BadRequestError(`the twin does not know the field ${unknown}`);
  return body;
}

/** Formats a time as RFC 2822; each route spells UTC in its own way. */
export const timeText = (epochSeconds: number, utc: '+0000' | '-0000'): string =>
  `${new Date(epochSeconds * 1000).toUTCString().slice(0, 25)} ${utc}`;
