import type { EventsResponse } from '../../api/responses/events.ts';
import type { StatsResponse } from '../../api/responses/ledger.ts';
import { judgedFrom } from '../../lambdas/domain/recipients/provider-limits.ts';
import { unlessFailed } from '../api.ts';
import { h } from '../components/dom.ts';
import { csvButton } from '../components/download.ts';
import { dateInput, field, goForm, sameText, select, textIn } from '../components/form.ts';
import { empty, eventText, marks, panel, recipientLink } from '../components/parts.ts';
import { table } from '../components/table.ts';
import { linkTo } from '../route.ts';
import { DAY_SECONDS, dayIn, midnight, timeElement } from '../values/time.ts';
import { chosenDomain, domainsOf, type View, type ViewContext } from '../view.ts';
import { classesPanel } from './deliverability/classes.ts';
import { providerPanel } from './deliverability/providers.ts';
import { ALL_TAGS, dayPanel, daysOf, tagPanel, withSeverities } from './deliverability/statistics.ts';

const SPANS = [7, 14, 30] as const;

/** Shows counts by day and tag. Tags are of one day, since there may be more than a response holds. */
export const deliverabilityView: View = async (context) => {
  const { api, parameters } = context;
  const { domains, domain, tag, days, day } = choiceOf(await context.health(), parameters);
  const today = midnight();
  const from = today - (days - 1) * DAY_SECONDS;
  const judged = judgedFrom(today * 1000);
  const dayStart = Date.parse(day) / 1000;
  const [byDay, byTag, byProvider, failed, complained] = await Promise.all([
    api.get<StatsResponse>('/stats', { domain, tag, per: 'day', from, to: today + DAY_SECONDS }),
    unlessFailed(api.get<StatsResponse>('/stats', { domain, per: 'day', from: dayStart, to: dayStart + DAY_SECONDS })),
    api.get<StatsResponse>('/stats', {
      domain,
      by: 'provider',
      per: 'day',
      from: judged,
      to: today + DAY_SECONDS,
    }),
    api.get<EventsResponse>('/events', { domain, day, type: 'failed', severity: 'permanent', limit: 100 }),
    api.get<EventsResponse>('/events', { domain, day, type: 'complained', limit: 100 }),
  ]);
  const list = daysOf(byDay.buckets.map(withSeverities), from, days);
  const link = (over: Record<string, string>) =>
    linkTo('deliverability', '', { domain, tag, days: String(days), day, ...over });
  return {
    title: 'Deliverability',
    content: [
      panel(
        'Choose',
        goForm(
          'Show',
          (values) =>
            link({
              domain: textIn(values, 'domain'),
              tag: textIn(values, 'tag') || ALL_TAGS,
              days: textIn(values, 'days'),
              day: textIn(values, 'day') || day,
            }),
          field('Domain', select('domain', sameText(domains), domain)),
          field(
            'Tag',
            h('input', { name: 'tag', value: tag === ALL_TAGS ? '' : tag, placeholder: 'all', autocomplete: 'off' }),
          ),
          field(
            'Span',
            select(
              'days',
              SPANS.map((span) => [String(span), `${span} days`] as const),
              String(days),
            ),
          ),
          field('Day (UTC)', dateInput('day', day)),
        ),
      ),
      providerPanel(byProvider.buckets, domain),
      classesPanel(byProvider.mailgunClasses, domain),
      dayPanel(list, domain, tag, link),
      tagPanel(byTag?.buckets.map(withSeverities), { domain, day }, link),
      peoplePanel(failed, complained, domain, day),
    ],
  };
};

function choiceOf(health: Awaited<ReturnType<ViewContext['health']>>, parameters: URLSearchParams) {
  const days = SPANS.find((span) => String(span) === parameters.get('days')) ?? SPANS[0];
  return {
    domains: domainsOf(health),
    domain: chosenDomain(health, parameters),
    tag: parameters.get('tag') || ALL_TAGS,
    days,
    day: dayIn(parameters, 'day', Date.now() / 1000),
  };
}

/** Shows permanent failures and spam reports, each with a link to the recipient and its suppressions. */
function peoplePanel(failed: EventsResponse, complained: EventsResponse, domain: string, day: string) {
  const rows = [...failed.events, ...complained.events].sort((a, b) => b.timestamp - a.timestamp);
  const title = `Bounces and complaints: ${day}`;
  const more = (type: string) => h('a', { href: linkTo('events', '', { domain, day, type }) }, `all ${type} events`);
  const isCut = failed.next !== null || complained.next !== null;
  return panel(
    title,
    rows.length === 0
      ? empty(`No permanent failure and no spam report of ${day} (UTC) is stored. Choose another day above.`)
      : table(
          rows,
          [
            { head: 'Time', cell: ({ timestamp }) => timeElement(timestamp) },
            { head: 'Recipient', cell: ({ recipient }) => recipientLink(recipient) },
            { head: 'What', cell: (event) => [eventText(event), marks(event)] },
          ],
          { caption: title, cards: true, tall: true },
        ),
    rows.length > 0 &&
      csvButton(['bounces and complaints', `bounces-and-complaints-${domain}-${day}`], rows, [
        ['recipient', ({ recipient }) => recipient],
        ['at', ({ timestamp }) => new Date(timestamp * 1000).toISOString()],
        ['event', ({ event }) => event],
        ['failureClass', ({ failureClass }) => failureClass],
        ['reason', ({ reason }) => (typeof reason === 'string' ? reason : null)],
        ['messageId', ({ messageId }) => messageId],
      ]),
    h('p', { class: 'note' }, isCut && 'Only the newest are shown. ', more('failed'), ' · ', more('complained')),
    h('p', { class: 'note' }, 'A recipient’s page shows its suppressions, and how to lift them.'),
  );
}
