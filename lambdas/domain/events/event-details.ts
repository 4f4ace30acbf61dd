import type { Json, JsonObject } from '../json.ts';
import { valueAt } from './event.ts';

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
