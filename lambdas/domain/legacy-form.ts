import type { JsonObject } from './canonical.ts';
import { bareMessageId } from './event.ts';

/** Text fields of a form in their order; a name may stand more than once. */
export type FormFields = readonly (readonly [name: string, value: string])[];

const SIGNATURE_FIELDS = new Set(['timestamp', 'token', 'signature', 'parent-signature']);
const EVENT_FIELDS = new Set([
  ...['event', 'recipient', 'domain', 'Message-Id', 'message-id', 'tag', 'X-Mailgun-Tag', 'message-headers'],
  ...['code', 'error', 'reason', 'description', 'notification', 'url', 'ip', 'country', 'region', 'city'],
  ...['user-agent', 'device-type', 'client-type', 'client-name', 'client-os', 'mailing-list'],
]);

/** The legacy names of what is now a permanent `failed`. */
const FAILED_EVENTS = new Set(['bounced', 'dropped']);

/**
 * The current `event-data` shape of a legacy (v2) form post; undefined where the form holds no event.
 * The form's timestamp is the event's time and its signature's at once. What the format does not
 * define was merged in as user variables, and stays among them.
 */
export function eventFromLegacyForm(fields: FormFields, timestamp: string): JsonObject | undefined {
  const first = (name: string) => fields.find(([field]) => field === name)?.[1];
  const name = first('event')?.trim().toLowerCase();
  if (!name) return undefined;
  const messageId = first('Message-Id') ?? first('message-id');
  const failed = FAILED_EVENTS.has(name);
  const reason = failed ? { severity: 'permanent', reason: first('reason') ?? 'bounce' } : {};
  const variables = fields.filter(([field]) => !SIGNATURE_FIELDS.has(field) && !EVENT_FIELDS.has(field));
  return {
    event: failed ? 'failed' : name,
    timestamp: /^\d{10}$/.test(timestamp) ? Number(timestamp) : timestamp,
    ...reason,
    ...present('recipient', first('recipient')),
    ...present('domain', first('domain')),
    ...present('url', first('url')),
    ...present('ip', first('ip')),
    message: { headers: messageId === undefined ? {} : { 'message-id': bareMessageId(messageId) } },
    'delivery-status': {
      ...present('code', first('code')),
      ...present('message', first('error') ?? first('description')),
      ...present('notification', first('notification')),
    },
    'client-info': group(first, ['user-agent', 'device-type', 'client-type', 'client-name', 'client-os']),
    geolocation: group(first, ['country', 'region', 'city']),
    ...present('message-headers', first('message-headers')),
    ...present('mailing-list', first('mailing-list')),
    tags: fields.filter(([field]) => field === 'tag' || field === 'X-Mailgun-Tag').map(([, value]) => value),
    'user-variables': Object.fromEntries(variables),
  };
}

function present(name: string, value: string | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}

function group(first: (name: string) => string | undefined, names: string[]): JsonObject {
  return Object.assign({}, ...names.map((name) => present(name, first(name))));
}
