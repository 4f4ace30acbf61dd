/** Response of the twin's API. */
export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export const ok = (body: unknown): ApiResponse => ({ status: 200, body });
export const refusal = (status: number, message: string): ApiResponse => ({ status, body: { message } });
export const FORBIDDEN: ApiResponse = { status: 401, body: 'Forbidden' };

/** A client's mistake: becomes a 400 with this message. */
export class BadRequestError extends Error {}

const RFC_2822 = /^(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} /;
/** Restores a plus sign that was sent unescaped (a blank); a time without zone is UTC. */
const zoned = (text: string) => {
  const whole = text.replace(/ {1,2}(\d{4})$/, ' +$1');
  return / (?:[A-Z]{1,5}|[+-]\d{4})$/.test(whole) ? whole : `${whole} UTC`;
};

/** Parses epoch seconds, with or without fraction, or RFC 2822; both are in use. */
export function parseTime(name: string, value: unknown): number {
  if (typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value))) return Number(value);
  const epochMs = typeof value === 'string' && RFC_2822.test(value) ? Date.parse(zoned(value)) : Number.NaN;
  if (Number.isNaN(epochMs)) throw new BadRequestError(`${name} is neither an epoch nor an RFC 2822 date`);
  return epochMs / 1000;
}

export function parseLimit(value: unknown, max: number, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  const limit = Number(value);
  if (!Number.isInteger(limit) || limit < 1 || limit > max) throw new BadRequestError(`limit must be from 1 to ${max}`);
  return limit;
}
