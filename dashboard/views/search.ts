import type { EventsResponse } from '../../api/responses/events.ts';
import type { HealthResponse } from '../../api/responses/health.ts';
import type { MessageResponse } from '../../api/responses/message.ts';
import type { RecipientResponse } from '../../api/responses/recipient.ts';
import { unlessUnfit } from '../api.ts';
import { type Child, h } from '../components/dom.ts';
import { badge, panel, visible } from '../components/parts.ts';
import { table } from '../components/table.ts';
import { linkTo } from '../route.ts';
import { numberText } from '../values/numbers.ts';
import { domainsOf, readDomains, shownDomains, type View, type ViewContext } from '../view.ts';
import { eventTable } from './events.ts';
import { dayForm, searchForm } from './find.ts';

/** What a text may mean, and what was found for it. */
interface Meaning {
  readonly what: string;
  readonly found: Child;
  readonly events?: EventsResponse['events'];
  /** The page of what it is exactly. */
  readonly page?: string;
}

/** Searches for the possible meanings of a text, and shows what was searched and where else to look. */
export const searchView: View = async (context) => {
  const text = context.subject.trim();
  // An empty subject prefix would match every mail of the day.
  if (text === '') return { title: 'Search', content: [askPanel(await dayForm(context))] };
  const meanings = await findMeanings(text, context);
  const [page, ...others] = meanings.flatMap((meaning) => meaning.page ?? []);
  if (page !== undefined && others.length === 0 && !context.parameters.has('all')) {
    return { title: 'Search', content: [], instead: page };
  }
  const events = meanings.flatMap((meaning) => meaning.events ?? []);
  const title = `Searched for ${visible(text)}`;
  return {
    title: 'Search',
    content: [
      panel('Search', searchForm(text)),
      panel(
        title,
        table(
          meanings,
          [
            { head: 'As', cell: ({ what }) => what },
            { head: 'Found', cell: ({ found }) => found ?? badge('nothing', 'unknown') },
          ],
          { caption: title, cards: true },
        ),
      ),
      events.length > 0 && panel('Events', eventTable(events, 'Events that were found, newest first')),
      panel(
        'Look elsewhere',
        h('p', { class: 'note' }, 'Tags, subjects and variables were searched in the last 24 hours. Another day:'),
        await dayForm(context),
      ),
    ],
  };
};

const askPanel = (days: HTMLElement) =>
  panel('Search', h('p', { class: 'note' }, 'Enter what to search for, or choose a day.'), searchForm(), days);

async function findMeanings(text: string, context: ViewContext): Promise<Meaning[]> {
  if (text.includes('@')) {
    const noTag = { what: 'tag, subject or variable', found: 'not searched: it has an @' };
    return [...(await Promise.all([asMessage(text, context), asRecipient(text, context)])), noTag];
  }
  const [, name, value] = /^([^\s=]+)=(.+)$/.exec(text) ?? [];
  const health = await context.health();
  const shown = shownDomains(health, context.parameters);
  const meanings = await readDomains(shown, (domain) =>
    Promise.all([
      ...(name && value
        ? [asEvents(`variable ${name} of ${domain}`, { domain, [`var.${name}`]: value }, context)]
        : []),
      asTag(text, domain, context),
      asEvents(`beginning of a subject of ${domain}`, { domain, subject: `${text}*` }, context),
    ]),
  );
  const noAddress = { what: 'address or message id', found: 'not searched: it has no @' };
  return [...meanings.flat(), ...ofFurtherDomains(text, health, shown), noAddress];
}

/** Links the search in each domain that is not searched. */
function ofFurtherDomains(text: string, health: HealthResponse, shown: readonly string[]): Meaning[] {
  const others = domainsOf(health).filter((domain) => !shown.includes(domain));
  if (others.length === 0) return [];
  const links = others.map((domain) => [' · ', h('a', { href: linkTo('search', text, { domain }) }, domain)]);
  return [{ what: 'tag, subject or variable of another domain', found: ['not searched yet', ...links] }];
}

async function asMessage(id: string, { api }: ViewContext): Promise<Meaning> {
  const message = await unlessUnfit(api.get<MessageResponse>('/messages', { id, limit: 1 }));
  if (message === undefined) return { what: 'message id', found: undefined };
  const link = h('a', { href: linkTo('message', message.messageId) }, 'its history');
  return { what: 'message id', found: link, page: linkTo('message', message.messageId, { found: id }) };
}

async function asRecipient(address: string, { api }: ViewContext): Promise<Meaning> {
  const found = await unlessUnfit(api.get<RecipientResponse>('/recipients', { address, limit: 1 }));
  // Suppressions can be there without a message, so an address always has a page.
  const link =
    found && h('a', { href: linkTo('recipient', found.recipient) }, `the page of ${visible(found.recipient)}`);
  const hasMail = found && found.messages.length > 0;
  return {
    what: 'recipient',
    found: link ? [link, !hasMail && ', without any mail'] : 'no address',
    ...(found && hasMail && { page: linkTo('recipient', found.recipient, { found: address }) }),
  };
}

async function asTag(tag: string, domain: string, context: ViewContext): Promise<Meaning> {
  const what = `tag of ${domain}`;
  const meaning = await unlessUnfit(asEvents(what, { domain, tag }, context));
  if (meaning === undefined) return { what, found: 'no tag' };
  const campaign = h('a', { href: linkTo('campaign', tag, { domain }) }, 'the campaign');
  return meaning.events?.length === 0 ? meaning : { ...meaning, found: [meaning.found, ' · ', campaign] };
}

async function asEvents(what: string, query: Readonly<Record<string, string>>, { api }: ViewContext): Promise<Meaning> {
  const { events, searched, next } = await api.get<EventsResponse>('/events', { ...query, limit: 50 });
  const looked = ` among ${numberText(searched?.events ?? 0)} events${next === null ? '' : ', and there are older ones'}`;
  const found = events.length === 0 ? `nothing${looked}` : `${events.length} events${looked}`;
  return { what, found, events };
}
