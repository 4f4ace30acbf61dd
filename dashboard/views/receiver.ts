import type {
  DeliveriesResponse,
  DeliveryEntry,
  ReceiverEntry,
  ReceiversResponse,
} from '../../api/responses/receivers.ts';
import { h } from '../components/dom.ts';
import { field, goForm, sameText, select, textIn } from '../components/form.ts';
import { badge, breakableId, empty, type Mood, messageLink, panel, visible } from '../components/parts.ts';
import { paged, table } from '../components/table.ts';
import { linkTo } from '../route.ts';
import { timeElement } from '../values/time.ts';
import type { Shown, View } from '../view.ts';
import { hoursPanel, statePanel } from './receiver/state.ts';

const PAGE = 50;
const STATE_CHOICES = sameText(['published', 'waiting', 'acknowledged', 'dead']);
const MOODS: Readonly<Record<DeliveryEntry['state'], Mood>> = {
  acknowledged: 'good',
  published: 'wait',
  waiting: 'wait',
  dead: 'bad',
};

/** Shows what a receiver was sent, what it acknowledged, and the commands for the rest. */
export const receiverView: View = async ({ api, subject, parameters, settings }) => {
  const state = parameters.get('state') ?? '';
  const { receivers } = await api.get<ReceiversResponse>('/receivers');
  const receiver = receivers.find(({ name }) => name === subject);
  if (receiver === undefined) return notFound(receivers);
  const read = async (cursor?: string) => {
    const query = { receiver: receiver.name, state, limit: PAGE, cursor };
    const { deliveries, next } = await api.get<DeliveriesResponse>('/receivers/deliveries', query);
    return { rows: deliveries, next };
  };
  const first = await read();
  return {
    title: `Receiver ${receiver.name}`,
    content: [
      statePanel(receiver, settings.target),
      hoursPanel(receiver),
      panel(
        'Deliveries of the last 24 hours',
        goForm(
          'Filter',
          (values) => linkTo('receiver', receiver.name, { state: textIn(values, 'state') }),
          field('State', select('state', [['', 'all'], ...STATE_CHOICES], state)),
        ),
        first.rows.length === 0 && first.next === null
          ? empty(`Nothing was published to it${state === '' ? '' : ' that fits the filter'}.`)
          : paged(first, read, (rows) => deliveryTable(rows, receiver)),
      ),
    ],
  };
};

function notFound(receivers: readonly ReceiverEntry[]): Shown {
  const links = receivers.map(({ name }) => h('p', {}, h('a', { href: linkTo('receiver', name) }, visible(name))));
  return {
    title: 'Not found',
    content: [
      panel('Receivers', h('p', {}, 'There is no receiver of this name.'), ...links),
      h('p', {}, h('a', { href: linkTo('health') }, 'Health, with the list of receivers')),
    ],
  };
}

function deliveryTable(rows: readonly DeliveryEntry[], { name }: ReceiverEntry): HTMLElement {
  return table(
    rows,
    [
      { head: 'Published', cell: ({ publishedAt }) => timeElement(publishedAt) },
      { head: 'State', cell: ({ state }) => badge(state, MOODS[state]) },
      { head: 'Type', cell: ({ type }) => dotted(type) },
      { head: 'Message', cell: ({ messageId }) => (messageId === null ? '–' : messageLink(messageId)) },
      { head: 'Attempts', cell: attempts },
      { head: 'webhook-id', cell: ({ id }) => h('small', { class: 'id' }, breakableId(id)) },
    ],
    { caption: `Deliveries to ${name}, newest first`, cards: true },
  );
}

/** Returns a name that breaks lines only at its dots. */
function dotted(name: string): HTMLElement {
  const parts = name.split('.').flatMap((part, nth) => (nth === 0 ? [part] : ['.', h('wbr'), part]));
  return h('span', { class: 'dotted' }, ...parts);
}

function attempts({ attempts: made, nextAt, response }: DeliveryEntry): (HTMLElement | false)[] {
  return [
    h(
      'ul',
      { class: 'attempts' },
      ...made.map(({ at, ms, status, error }) =>
        h('li', {}, timeElement(at, 'short'), ` ${status ?? error ?? 'no response'}, ${ms} ms`),
      ),
      nextAt !== null && h('li', {}, 'next at ', timeElement(nextAt, 'short')),
    ),
    response !== null && response !== '' && h('p', { class: 'said' }, response),
  ];
}
