import type { EventEntry, EventsResponse } from '../../api/responses/events.ts';
import { empty, eventText, marks, messageLink, panel, recipientLink } from '../components/parts.ts';
import { paged, table } from '../components/table.ts';
import { timeElement, utcDay } from '../values/time.ts';
import { chosenDomain, type View } from '../view.ts';
import { dayForm } from './find.ts';

const PAGE = 50;

/** A domain's events of one day, newest first. */
export const eventsView: View = async (context) => {
  const { api, parameters } = context;
  const domain = chosenDomain(await context.health(), parameters);
  const day = parameters.get('day') ?? utcDay(Date.now() / 1000);
  const type = parameters.get('type') ?? '';
  const read = async (cursor?: string) => {
    const { events, next } = await api.get<EventsResponse>('/events', { domain, day, type, limit: PAGE, cursor });
    return { rows: events, next };
  };
  const first = await read();
  const what = `${type === '' ? 'Events' : `${type} events`} of ${domain}, ${day} (UTC)`;
  return {
    title: 'Events',
    content: [
      panel('Choose', await dayForm(context)),
      panel(
        what,
        first.rows.length === 0 && first.next === null
          ? empty('No event of this kind is stored for that day.')
          : paged(first, read, (rows) => eventTable(rows, what)),
      ),
    ],
  };
};

export function eventTable(rows: readonly EventEntry[], caption: string): HTMLElement {
  return table(
    rows,
    [
      { head: 'Time', cell: ({ timestamp }) => timeElement(timestamp) },
      { head: 'Event', cell: (event) => [eventText(event), marks(event)] },
      { head: 'Recipient', cell: ({ recipient }) => recipientLink(recipient) },
      { head: 'Message', cell: ({ messageId }) => messageLink(messageId) },
    ],
    { caption, cards: true },
  );
}
