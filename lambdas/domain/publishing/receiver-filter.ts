import { isObject, type Json, type JsonObject } from '../json.ts';

/** The part of an EventBridge pattern that a receiver may filter by. */
export type ReceiverFilter = JsonObject;

/** Types as receivers see them, and the detail type of each on the bus. */
export const DELIVERED_TYPES = {
  'message.status.changed': 'MessageStatusChanged',
  'suppression.changed': 'SuppressionChanged',
} as const;

type DeliveredType = keyof typeof DELIVERED_TYPES;

/** Fields of `detail`; a pattern on any other field would match nothing. */
export const FILTERED_FIELDS: ReadonlySet<string> = new Set([
  ...['version', 'id', 'ledger', 'subject', 'order', 'domain', 'messageId', 'status', 'reason', 'statusAt', 'eventKey'],
  ...['kind', 'scope', 'since', 'liftedAt', 'recipient'],
]);

/** Conditions that EventBridge and this function evaluate alike. */
const CONDITIONS: Readonly<Record<string, (argument: Json, value: Json | undefined) => boolean>> = {
  exists: (wanted, value) => (value !== undefined) === wanted,
  prefix: (prefix, value) => typeof value === 'string' && value.startsWith(String(prefix)),
  suffix: (suffix, value) => typeof value === 'string' && value.endsWith(String(suffix)),
  'anything-but': (others, value) => value !== undefined && ![others].flat().includes(value),
};

/** Returns the pattern for a list of types, or the pattern itself. */
export function filterOf(events: readonly string[] | ReceiverFilter): ReceiverFilter {
  if (!Array.isArray(events)) return events as ReceiverFilter;
  const types = (events as readonly string[]).map((type) => DELIVERED_TYPES[type as DeliveredType]);
  return { 'detail-type': types };
}

/** Returns what is wrong with a list of types or a pattern, or undefined. */
export function filterMistake(events: unknown): string | undefined {
  if (Array.isArray(events)) return typesMistake(events);
  if (!isObject(events)) return 'must be a list of types or an EventBridge pattern';
  const strange = Object.keys(events).find((key) => !['source', 'detail-type', 'detail'].includes(key));
  if (strange !== undefined) return `"${strange}" must be source, detail-type or detail`;
  const detail = events.detail ?? {};
  if (!isObject(detail)) return 'detail must be an object';
  const unknown = Object.keys(detail).find((field) => !FILTERED_FIELDS.has(field));
  if (unknown !== undefined)
    return `detail.${unknown} is not published; published are ${[...FILTERED_FIELDS].join(', ')}`;
  const cased = [detail.domain].flat().find((name) => typeof name === 'string' && name !== name.toLowerCase());
  if (cased !== undefined) return `detail.domain "${cased}" is published in lower case`;
  return detailTypeMistake(events['detail-type']) ?? alternativesMistake({ ...events, detail: undefined }, detail);
}

function typesMistake(types: readonly unknown[]): string | undefined {
  const unknown = types.find((type) => typeof type !== 'string' || !Object.hasOwn(DELIVERED_TYPES, type));
  if (types.length > 0 && unknown === undefined) return undefined;
  return `must list at least one of ${Object.keys(DELIVERED_TYPES).join(', ')}`;
}

function detailTypeMistake(wanted: unknown): string | undefined {
  if (wanted === undefined) return undefined;
  const known: readonly unknown[] = Object.values(DELIVERED_TYPES);
  if (Array.isArray(wanted) && wanted.length > 0 && wanted.every((type) => known.includes(type))) return undefined;
  return `detail-type must list some of ${known.join(', ')}`;
}

function alternativesMistake(...patterns: readonly Record<string, unknown>[]): string | undefined {
  for (const pattern of patterns) {
    for (const [field, wanted] of Object.entries(pattern)) {
      if (wanted === undefined) continue;
      if (!Array.isArray(wanted) || wanted.length === 0) return `${field} must be a list of at least one alternative`;
      const strange = wanted.find((alternative) => !isAlternative(alternative));
      if (strange !== undefined) {
        const known = Object.keys(CONDITIONS).join(', ');
        return `${field}: ${JSON.stringify(strange)} must be a value or one of the conditions ${known}`;
      }
    }
  }
  return undefined;
}

const VALUE_OF: Readonly<Record<string, (argument: unknown) => boolean>> = {
  exists: (argument) => typeof argument === 'boolean',
  prefix: (argument) => typeof argument === 'string',
  suffix: (argument) => typeof argument === 'string',
  'anything-but': (argument) => [argument].flat().length > 0 && [argument].flat().every((value) => isScalar(value)),
};

const isScalar = (value: unknown) => ['string', 'number'].includes(typeof value);

function isAlternative(alternative: unknown): boolean {
  if (!isObject(alternative)) return alternative === null || typeof alternative === 'boolean' || isScalar(alternative);
  const [[condition = '', argument] = [], ...others] = Object.entries(alternative);
  return others.length === 0 && (VALUE_OF[condition]?.(argument) ?? false);
}

/** Returns true where the bus's rule with this pattern matches the event. */
export function matchesFilter(filter: ReceiverFilter, event: { detailType: string; detail: JsonObject }): boolean {
  const envelope: JsonObject = { source: 'mailgun-ledger', 'detail-type': event.detailType, detail: event.detail };
  return matches(filter, envelope);
}

function matches(pattern: JsonObject, value: JsonObject): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    if (!Array.isArray(wanted)) return isObject(value[field]) && matches(wanted as JsonObject, value[field]);
    return wanted.some((alternative) => meets(alternative, value[field]));
  });
}

function meets(alternative: Json, value: Json | undefined): boolean {
  if (!isObject(alternative)) return alternative === value;
  const [[condition = '', argument = null] = []] = Object.entries(alternative);
  return CONDITIONS[condition]?.(argument, value) ?? false;
}
