import type { CampaignResponse } from '../../api/responses/campaign.ts';
import type { StatsResponse } from '../../api/responses/ledger.ts';
import { unlessFailed } from '../api.ts';
import { h } from '../components/dom.ts';
import { dateInput, field, goForm, sameText, select, textIn, textsIn } from '../components/form.ts';
import { empty, panel, visible } from '../components/parts.ts';
import { table } from '../components/table.ts';
import { linkTo } from '../route.ts';
import { countOf } from '../values/numbers.ts';
import { DAY_SECONDS, dayIn, midnight } from '../values/time.ts';
import { chosenDomain, domainsOf, type View } from '../view.ts';
import { failedPanel } from './campaign/failed.ts';
import { numbersPanel, reasonsPanel } from './campaign/numbers.ts';
import { outcomeColumns, rareTagsNote, sumBy, withSeverities } from './deliverability/statistics.ts';

const LISTED_DAYS = 7;
const USUAL_DAYS = 30;

interface Choice {
  readonly domain: string;
  readonly tag: string;
  /** Days, the last one included. */
  readonly from: string;
  readonly to: string;
}

/** Shows the outcomes of mail sent under a tag; without a tag, the tags of the last days. */
export const campaignView: View = async ({ api, subject: tag, parameters, settings, health }) => {
  const known = await health();
  const domain = chosenDomain(known, parameters);
  const today = midnight();
  const to = dayIn(parameters, 'to', today);
  const from = dayIn(parameters, 'from', Date.parse(to) / 1000 - USUAL_DAYS * DAY_SECONDS);
  const choice = { domain, tag, from, to };
  const form = choicePanel(domainsOf(known), choice);
  if (tag === '') {
    const listedFrom = today - (LISTED_DAYS - 1) * DAY_SECONDS;
    // There may be more tags than a response holds.
    const stats = await unlessFailed(api.get<StatsResponse>('/stats', { domain, per: 'day', from: listedFrom }));
    return { title: 'Campaigns', content: [form, tagsPanel(stats, domain)] };
  }
  const report = await api.get<CampaignResponse>('/campaigns', {
    domain,
    tag,
    from: Date.parse(from) / 1000,
    to: Date.parse(to) / 1000 + DAY_SECONDS,
  });
  return {
    title: `Campaign ${visible(tag)}`,
    content: [form, numbersPanel(report, settings.target), reasonsPanel(report), failedPanel(report, settings.target)],
  };
};

function choicePanel(domains: readonly string[], { domain, tag, from, to }: Choice): HTMLElement {
  return panel(
    'Choose a mailing',
    goForm(
      'Show report',
      (values) => linkTo('campaign', textIn(values, 'tag'), textsIn(values, ['domain', 'from', 'to'])),
      field('Tag', h('input', { name: 'tag', value: tag, placeholder: 'spring', autocomplete: 'off', required: true })),
      field('Domain', select('domain', sameText(domains), domain)),
      field('Sent from (UTC)', dateInput('from', from)),
      field('Sent until (UTC)', dateInput('to', to)),
    ),
  );
}

function tagsPanel(stats: StatsResponse | undefined, domain: string): HTMLElement {
  const title = `Tags of the last ${LISTED_DAYS} days: ${domain}`;
  if (stats === undefined) return panel(title, empty('Tags could not be listed. Type one above.'));
  const list = sumBy(stats.buckets.map(withSeverities), ({ tag }) => tag).filter(([tag]) => tag !== '*' && tag !== '');
  if (list.length === 0) return panel(title, empty('No event under a tag has been compared yet. Type a tag above.'));
  const rows = list.map(([tag, counts]) => ({ tag, counts }));
  rows.sort((a, b) => countOf(b.counts, 'delivered') - countOf(a.counts, 'delivered') || (a.tag < b.tag ? -1 : 1));
  return panel(
    title,
    table(
      rows,
      [
        { head: 'Tag', cell: ({ tag }) => h('a', { href: linkTo('campaign', tag, { domain }) }, visible(tag)) },
        ...outcomeColumns(rows),
      ],
      { caption: title, tall: true, cards: true },
    ),
    h(
      'p',
      { class: 'note' },
      'Events of the ledger: a mail that was deferred three times counts three times. A tag’s report counts each mail once.',
    ),
    rareTagsNote(stats.buckets),
  );
}
