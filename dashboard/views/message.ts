import type { EventEntry } from '../../api/responses/events.ts';
import type { MessageResponse, RecipientStatus } from '../../api/responses/message.ts';
import { type Child, h } from '../components/dom.ts';
import {
  breakableId,
  copyButton,
  empty,
  engagementText,
  eventText,
  marks,
  panel,
  recipientLink,
  statusBadge,
  visible,
} from '../components/parts.ts';
import { table } from '../components/table.ts';
import { spanText, timeElement } from '../values/time.ts';
import type { View } from '../view.ts';
import { eventFields } from './message/fields.ts';

const PAGE = 200;

/** Shows the history of a message, recipient by recipient. */
export const messageView: View = async ({ api, subject, parameters }) => {
  const message = await api.get<MessageResponse>('/messages', {
    id: subject,
    limit: PAGE,
    cursor: parameters.get('cursor'),
  });
  const { messageId, recipients, events, next } = message;
  const named = new Set(recipients.map(({ recipient }) => sameAddress(recipient)));
  const others = events.filter(({ recipient }) => !named.has(sameAddress(recipient)));
  const subjectLine = events.map(({ details }) => details.subject).find((each) => typeof each === 'string');
  return {
    title: 'Message',
    content: [
      h(
        'p',
        { class: 'subject' },
        subjectLine !== undefined && [h('strong', {}, visible(subjectLine)), h('br')],
        h('code', { class: 'id' }, breakableId(messageId)),
        ' ',
        copyButton('Copy id', () => messageId),
      ),
      recipients.length === 0 && others.length === 0 ? empty('No event of this message is stored.') : null,
      recipients.length > 1 && summaryPanel(recipients),
      ...recipients.map((outcome) =>
        recipientPanel(
          outcome,
          events.filter(({ recipient }) => sameAddress(recipient) === sameAddress(outcome.recipient)),
        ),
      ),
      others.length > 0 && panel('Events without a recipient', timeline(others, undefined)),
      next !== null &&
        h('p', {}, h('a', { href: nextLink(subject, next) }, 'Further recipients and events of this message')),
    ],
  };
};

const nextLink = (messageId: string, cursor: string) =>
  `#/message/${encodeURIComponent(messageId)}?${new URLSearchParams({ cursor })}`;

/** Compares addresses as the ledger does, ignoring case. */
const sameAddress = (address: string | null) => address?.toLowerCase();

function recipientPanel(outcome: RecipientStatus, events: readonly EventEntry[]): HTMLElement {
  const { recipient, status, reason, statusAt, decidedBy } = outcome;
  return h(
    'section',
    { class: 'panel' },
    h(
      'h2',
      {},
      recipientLink(recipient),
      ' ',
      statusBadge(status),
      reason !== null && h('span', { class: 'reason' }, ` ${reason}`),
      marks(outcome),
    ),
    h(
      'p',
      { class: 'note' },
      status === null
        ? 'No event shows its outcome yet. '
        : ['Decided ', timeElement(statusAt), ', by the event that is marked. '],
      engagement(outcome),
    ),
    timeline(events, decidedBy),
  );
}

function engagement(outcome: RecipientStatus): string {
  const counted = engagementText(outcome);
  const parts = [...(counted === '' ? [] : [counted]), ...(outcome.unsubscribed ? ['unsubscribed'] : [])];
  const text = parts.join(', ') || 'not opened';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Who got the mail and who opened it, at a glance. */
function summaryPanel(recipients: readonly RecipientStatus[]): HTMLElement {
  const byMachines = (machines: number) => (machines === 0 ? '' : ` (${machines} more by machines)`);
  return panel(
    'Recipients',
    table(
      recipients,
      [
        { head: 'Recipient', cell: ({ recipient }) => recipientLink(recipient) },
        { head: 'Status', cell: (outcome) => [statusBadge(outcome.status), marks(outcome)] },
        { head: 'Opened', cell: ({ opens, machineOpens }) => `${opens} ×${byMachines(machineOpens)}` },
        { head: 'Clicked', cell: ({ clicks, machineClicks }) => `${clicks} ×${byMachines(machineClicks)}` },
      ],
      { caption: 'Recipients of the message', cards: true, tall: true },
    ),
  );
}

function timeline(events: readonly EventEntry[], decidedBy: string | undefined): HTMLElement {
  if (events.length === 0) return empty('Its events are on another page.');
  return h(
    'ol',
    { class: 'timeline' },
    ...events.map((event) => {
      const decides = event.key === decidedBy;
      return h(
        'li',
        { class: decides ? 'decides' : undefined },
        h(
          'p',
          {},
          timeElement(event.timestamp),
          ' ',
          h('strong', {}, eventText(event)),
          decides && h('span', { class: 'badge accent' }, 'decides'),
          marks(event),
          ' ',
          h('span', { class: 'note' }, origin(event)),
        ),
        deliveryText(event.deliveryStatus),
        deliveryText(event.details.reject),
        eventFields(event),
      );
    }),
  );
}

function origin({ source, timestamp, receivedAt }: EventEntry): string {
  const delay = Date.parse(receivedAt) / 1000 - timestamp;
  return `by ${source}, ${delay < 1 ? 'at once' : `${spanText(delay)} later`}`;
}

/** Returns the receiving server's text, the part people want to see. */
function deliveryText(status: unknown): Child {
  if (typeof status !== 'object' || status === null) return null;
  const { code, reason, message, description } = status as Record<string, unknown>;
  const said = [message, description].find((text) => typeof text === 'string' && text !== '');
  const parts = [code ?? reason, said].filter((part) => typeof part === 'string' || typeof part === 'number');
  return parts.length === 0 ? null : h('p', { class: 'said' }, parts.join(' '));
}
