import { isObject, type Json, type JsonObject, jsonIn } from '../json.ts';
import { valueAt } from './json-path.ts';

/** Fields that the event shows beside its details, or that the details show whole. */
const SHOWN = new Set([
  ...[
    'event',
    'id',
    'timestamp',
    'recipient',
    'severity',
    'reason',
    'tags',
    'user-variables',
    'delivery-status',
    'url',
  ],
  ...['flags', 'template', 'recipient-provider', 'reject', 'mailing-list', 'client-info', 'geolocation', 'ip'],
]);

/** Returns an event's remaining fields as Mailgun sent them; those often searched have names of their own. */
export function eventDetails(event: JsonObject) {
  const raw = (...path: string[]): Json => valueAt(event, ...path) ?? null;
  return {
    subject: raw('message', 'headers', 'subject'),
    flags: raw('flags'),
    template: raw('template'),
    recipientProvider: raw('recipient-provider'),
    mxHost: raw('delivery-status', 'mx-host'),
    sendingIp: raw('envelope', 'sending-ip'),
    reject: raw('reject'),
    mailingList: raw('mailing-list'),
    storageKey: raw('storage', 'key'),
    retrySeconds: raw('delivery-status', 'retry-seconds'),
    client: raw('client-info'),
    geolocation: raw('geolocation'),
    ip: raw('ip'),
    other: Object.fromEntries(Object.entries(event).filter(([name]) => !SHOWN.has(name))),
  };
}

/** Mailgun's text in place of user variables that it could not keep. */
const LOST_VARIABLES = /^Could not load user-variables/i;

/** Returns the fields of an event that are shown as Mailgun sent them; null for absent ones. */
export function fieldsAsSent(event: JsonObject) {
  const raw = (name: string): Json => valueAt(event, name) ?? null;
  const [tags, userVariables] = [raw('tags'), raw('user-variables')];
  const areLost = typeof userVariables === 'string' && LOST_VARIABLES.test(userVariables);
  return {
    severity: raw('severity'),
    reason: raw('reason'),
    tags: Array.isArray(tags) ? tags : null,
    userVariables,
    userVariablesNote: areLost ? ('lost-by-mailgun' as const) : null,
    deliveryStatus: raw('delivery-status'),
    url: raw('url'),
  };
}

/** Returns a user variable as text, structures as JSON; they come as an object, or as its JSON text. */
export function userVariable(event: JsonObject, name: string): string | undefined {
  const sent = valueAt(event, 'user-variables');
  const variables = typeof sent === 'string' ? jsonIn(sent) : sent;
  if (!isObject(variables) || !Object.hasOwn(variables, name)) return undefined;
  const value = variables[name];
  return typeof value === 'string' ? value : JSON.stringify(value);
}
