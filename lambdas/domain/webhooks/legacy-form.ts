import { bareMessageId } from '../events/event.ts';
import { isObject, type Json, type JsonObject, parseJson } from '../json.ts';

/** Text fields of a form in their order; a name may occur more than once. */
export type FormFields = readonly (readonly [name: string, value: string])[];

const SIGNATURE_FIELDS = new Set(['timestamp', 'token', 'signature', 'parent-signature']);
const CLIENT_FIELDS = ['user-agent', 'device-type', 'client-type', 'client-name', 'client-os'];
const PLACE_FIELDS = ['country', 'region', 'city'];
const TAG_FIELDS = ['tag', 'X-Mailgun-Tag'];
/** Fields of Mailgun's that have no place in the current format. */
const OTHER_FIELDS = ['campaign-id', 'campaign-name', 'X-Mailgun-Sid', 'attachment-count', 'body-plain', 'h'];
const EVENT_FIELDS = new Set([
  ...['event', 'recipient', 'domain', 'Message-Id', 'message-id', 'message-headers', 'code', 'error', 'reason'],
  ...['description', 'notification', 'url', 'ip', 'mailing-list'],
  ...[...CLIENT_FIELDS, ...PLACE_FIELDS, ...TAG_FIELDS, ...OTHER_FIELDS],
]);
const ATTACHMENT_FIELD = /^attachment-\d+$/;

/** Legacy names of what is now a permanent `failed`; a `dropped` without a reason does not concern the address. */
const FAILURE_REASONS: Readonly<Record<string, string | undefined>> = { bounced: 'bounce', dropped: undefined };

/**
 * Returns the current `event-data` of a legacy (v2) form post; undefined if the form has no event. The form's timestamp
 * is both the event's and the signature's time. Undefined fields were merged user variables, and stay so; of a repeated
 * name the first value counts (of the signature's fields the last: `webhook-body.ts`).
 */
export function eventFromLegacyForm(fields: FormFields, timestamp: string): JsonObject | undefined {
  const first = (name: string) => fields.find(([field]) => field === name)?.[1];
  const name = first('event')?.trim().toLowerCase();
  if (!name) return undefined;
  const headers = headersOf(first('message-headers'));
  const messageId = first('Message-Id') ?? first('message-id') ?? headers?.get('message-id');
  const isFailure = Object.hasOwn(FAILURE_REASONS, name);
  return {
    event: isFailure ? 'failed' : name,
    timestamp: /^\d{10}$/.test(timestamp) ? Number(timestamp) : timestamp,
    ...(isFailure && { severity: 'permanent' }),
    ...present('reason', first('reason') ?? FAILURE_REASONS[name]),
    ...present('recipient', first('recipient')),
    ...present('domain', first('domain')),
    ...present('url', first('url')),
    ...present('ip', first('ip')),
    message: {
      headers: {
        ...(messageId !== undefined && { 'message-id': bareMessageId(messageId) }),
        ...present('from', headers?.get('from')),
        ...present('to', headers?.get('to')),
        ...present('subject', headers?.get('subject')),
      },
    },
    'delivery-status': {
      ...present('code', first('code')),
      ...present('message', first('error') ?? first('description')),
      ...(first('error') !== undefined && present('description', first('description'))),
      ...present('notification', first('notification')),
    },
    'client-info': group(first, CLIENT_FIELDS),
    geolocation: group(first, PLACE_FIELDS),
    ...present('message-headers', first('message-headers')),
    ...present('mailing-list', first('mailing-list')),
    ...group(first, OTHER_FIELDS),
    tags: fields.filter(([field]) => TAG_FIELDS.includes(field)).map(([, value]) => value),
    'user-variables': variablesOf(fields),
  };
}

/** Mailgun repeats the message's headers as a JSON list of names and values. */
function headersOf(text: string | undefined): Map<string, string> | undefined {
  let listed: Json;
  try {
    listed = parseJson(text ?? '');
  } catch {
    return undefined;
  }
  const pairs = Array.isArray(listed) ? listed : isObject(listed) ? Object.entries(listed) : [];
  const headers = new Map<string, string>();
  for (const pair of pairs) {
    const [name, value] = Array.isArray(pair) ? pair : [];
    if (typeof name !== 'string' || typeof value !== 'string') continue;
    if (!headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), value);
  }
  return headers;
}

function variablesOf(fields: FormFields): JsonObject {
  const isOurs = (name: string) =>
    !SIGNATURE_FIELDS.has(name) && !EVENT_FIELDS.has(name) && !ATTACHMENT_FIELD.test(name);
  const variables = new Map<string, string>();
  for (const [name, value] of fields) if (isOurs(name) && !variables.has(name)) variables.set(name, value);
  return Object.fromEntries(variables);
}

function present(name: string, value: string | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}

function group(first: (name: string) => string | undefined, names: readonly string[]): JsonObject {
  return Object.assign({}, ...names.map((name) => present(name, first(name))));
}
