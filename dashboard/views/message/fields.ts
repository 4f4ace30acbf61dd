import type { EventEntry } from '../../../api/responses/events.ts';
import { type Child, h } from '../../components/dom.ts';
import { eventText } from '../../components/parts.ts';
import { timeElement } from '../../values/time.ts';

const DETAIL_NAMES: Readonly<Record<Exclude<keyof EventEntry['details'], 'other'>, string>> = {
  subject: 'Subject',
  flags: 'Flags',
  template: 'Template',
  recipientProvider: 'Recipient provider',
  mxHost: 'MX host',
  sendingIp: 'Sending IP',
  reject: 'Rejected',
  mailingList: 'Mailing list',
  storageKey: 'Storage key',
  retrySeconds: 'Tries again after, seconds',
  client: 'Client',
  geolocation: 'Geolocation',
  ip: 'IP',
};

/** Shows every field of an event, collapsed. */
export function eventFields(event: EventEntry): HTMLElement {
  const { key, name, receivedAt, severity, reason, tags, userVariables, deliveryStatus, url } = event;
  const { other, ...known } = event.details;
  const rows: [string, unknown][] = [
    ['Event key', key],
    ['Name', name],
    ['Severity', severity],
    ['Reason', reason],
    ['URL', url],
    ['Tags', tags],
    ['User variables', userVariables],
    ...Object.entries(isObject(deliveryStatus) ? deliveryStatus : {}),
    ...Object.entries(known).map(([field, value]): [string, unknown] => [
      DETAIL_NAMES[field as keyof typeof known],
      value,
    ]),
    ...Object.entries(other),
  ];
  return h(
    'details',
    {},
    h('summary', {}, 'Fields', h('span', { class: 'unseen' }, ` of ${eventText(event)}`)),
    h(
      'dl',
      { class: 'fields' },
      h('div', {}, h('dt', {}, 'Received'), h('dd', {}, timeElement(receivedAt))),
      ...rows
        .filter(([, value]) => !isBlank(value))
        .map(([label, value]) => h('div', {}, h('dt', {}, label), h('dd', {}, rawText(value)))),
    ),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isBlank(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function rawText(value: unknown): Child {
  if (typeof value === 'string') return value;
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isList ? value.map((item, at) => [at > 0 && ', ', h('bdi', {}, item)]) : JSON.stringify(value, null, 2);
}
