import { BadRequestError } from '../api/api-response.ts';

// What the routes below /v1/analytics have in common.

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the fields of a request; what the twin does not know is refused, lest a caller think that it counts. */
export function fieldsOf(body: unknown, known: ReadonlySet<string>): Fields {
  if (!isFields(body)) throw new BadRequestError('a JSON object is needed');
  const unknown = Object.keys(body).find((name) => !known.has(name));
  if (unknown !== undefined) throw new BadRequestError(`the twin does not know the field ${unknown}`);
  return body;
}

/** Returns a time as RFC 2822 writes it; each route has its own spelling of UTC. */
export const timeText = (epochSeconds: number, utc: '+0000' | '-0000'): string =>
  `${new Date(epochSeconds * 1000).toUTCString().slice(0, 25)} ${utc}`;
