import type { MailEntry, MailsResponse } from '../../api/responses/mails.ts';
import { STATUS_FILTERS } from '../../lambdas/domain/event-types.ts';
import { h } from '../components/dom.ts';
import { dateInput, field, goForm, sameText, select, textsIn } from '../components/form.ts';
import {
  empty,
  engagementColumn,
  marks,
  panel,
  recipientLink,
  shortTime,
  statusBadge,
  subjectLink,
  tagsColumn,
} from '../components/parts.ts';
import { paged, table } from '../components/table.ts';
import { linkTo } from '../route.ts';
import { numberText } from '../values/numbers.ts';
import { timeElement, utcDay } from '../values/time.ts';
import { chosenDomain, domainsOf, type View, type ViewContext } from '../view.ts';

const PAGE = 50;
const HOUR_SECONDS = 3600;
const HOURS: readonly (readonly [hours: string, text: string])[] = [
  ['1', 'the last hour'],
  ['24', 'the last 24 hours'],
  ['168', 'the last 7 days'],
  ['744', 'the last 31 days'],
];
const FILTERS = ['domain', 'status', 'tag', 'hours', 'day'] as const;

/** The mail of a domain that was accepted in a time, by message and recipient. */
export const mailsView: View = async (context) => {
  const { api, parameters } = context;
  const domain = chosenDomain(await context.health(), parameters);
  const [status, tag, day] = ['status', 'tag', 'day'].map((name) => parameters.get(name) ?? '');
  const hours = HOURS.find(([each]) => each === parameters.get('hours')) ?? HOURS[1];
  const from = Math.floor(Date.now() / 1000) - Number(hours?.[0]) * HOUR_SECONDS;
  const looked = h('p', { class: 'note', role: 'status' });
  let searchedMails = 0;
  const read = async (cursor?: string) => {
    const query = { domain, status, tag, ...(day ? { day } : { from }), engagement: 'true', limit: PAGE, cursor };
    const { mails, searched, next } = await api.get<MailsResponse>('/mails', query);
    searchedMails += searched?.messages ?? 0;
    const reached = searched !== null && searched.until !== null && [', back to ', timeElement(searched.until)];
    if (searched !== null) looked.replaceChildren(...looking(searchedMails, reached));
    return { rows: mails, next };
  };
  const first = await read();
  const what = [status === '' ? 'Mail' : `Mail that is ${status}`, tag !== undefined && tag !== '' && ` under ${tag}`];
  const title = `${what.filter(Boolean).join('')} of ${domain}, accepted ${day ? `on ${day} (UTC)` : `in ${hours?.[1]}`}`;
  return {
    title: 'Mail',
    content: [
      panel('Choose', await mailForm(context, { status: status ?? '', hours: hours?.[0] ?? '' })),
      panel(
        title,
        first.rows.length === 0 && first.next === null
          ? empty('No mail fits.')
          : paged(first, read, (rows) => mailTable(rows, title)),
        looked,
      ),
    ],
  };
};

const looking = (mails: number, reached: false | readonly (string | HTMLElement)[]) => [
  `Looked at ${numberText(mails)} ${mails === 1 ? 'mail' : 'mails'}`,
  ...(reached || []),
  '.',
];

/** Chooses domain, status, tag and time. */
export async function mailForm(
  { health, parameters }: ViewContext,
  chosen: Readonly<Record<'status' | 'hours', string>> = { status: 'pending', hours: '1' },
): Promise<HTMLElement> {
  const domains = domainsOf(await health());
  const given = (name: string) => parameters.get(name) ?? '';
  return goForm(
    'List mail',
    (values) => linkTo('mails', '', textsIn(values, FILTERS)),
    field('Domain', select('domain', sameText(domains), given('domain'))),
    field('Status', select('status', [['', 'all'], ...sameText(STATUS_FILTERS)], chosen.status)),
    field('Tag', h('input', { name: 'tag', value: given('tag'), placeholder: 'all', autocomplete: 'off' })),
    field('Accepted in', select('hours', HOURS, chosen.hours)),
    field('or on a day (UTC)', dateInput('day', given('day'), { max: utcDay(Date.now() / 1000) })),
  );
}

const mailTable = (rows: readonly MailEntry[], caption: string) =>
  table(
    rows,
    [
      { head: 'Subject', cell: subjectLink },
      { head: 'Recipient', cell: ({ recipient }) => recipientLink(recipient) },
      { head: 'Accepted', cell: ({ acceptedAt }) => timeElement(acceptedAt) },
      {
        head: 'Status',
        cell: (mail) => [
          statusBadge(mail.status),
          marks(mail),
          ' ',
          h('small', { class: 'nowrap' }, 'since ', shortTime(mail.statusAt)),
        ],
      },
      engagementColumn,
      tagsColumn,
    ],
    { caption, cards: true },
  );
