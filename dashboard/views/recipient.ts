import type { RecipientResponse } from '../../api/responses/recipient.ts';
import type { SuppressionsResponse } from '../../api/responses/suppressions.ts';
import { STATUS_FILTERS } from '../../lambdas/domain/event-types.ts';
import { ledgerCommand } from '../components/command.ts';
import { type Child, h } from '../components/dom.ts';
import { dateInput, field, goForm, sameText, select, textsIn } from '../components/form.ts';
import {
  badge,
  commandOn,
  copyButton,
  empty,
  engagementColumn,
  marks,
  panel,
  statusBadge,
  subjectLink,
  tagsColumn,
} from '../components/parts.ts';
import { paged, table } from '../components/table.ts';
import { linkTo } from '../route.ts';
import { timeElement } from '../values/time.ts';
import type { View, ViewContext } from '../view.ts';

const PAGE = 50;
const FILTERS = ['status', 'tag', 'from', 'to'];
const STATUS_CHOICES = sameText(STATUS_FILTERS);

/** The messages of a recipient, and whether sending to it is wise. */
export const recipientView: View = async (context) => {
  const { api, subject: address, parameters } = context;
  const filter = Object.fromEntries(FILTERS.map((name) => [name, parameters.get(name) ?? '']));
  const { status = '', tag = '', from = '', to = '' } = filter;
  const read = async (cursor?: string) => {
    const query = { address, ...filter, engagement: 'true', limit: PAGE, cursor };
    const { messages, next } = await api.get<RecipientResponse>('/recipients', query);
    return { rows: messages, next };
  };
  const [suppressions, first] = await Promise.all([
    api.get<SuppressionsResponse>('/suppressions', { address, causes: 'true' }),
    read(),
  ]);
  const heading = h(
    'p',
    { class: 'subject' },
    h('code', {}, address),
    ' ',
    copyButton('Copy address', () => address),
  );
  if (suppressions.suppressions.length === 0 && (await hasNoMail(first, context))) {
    return {
      title: 'Recipient',
      content: [heading, panel('Nothing stored', empty('No mail to this address is stored: check its spelling.'))],
    };
  }
  return {
    title: 'Recipient',
    content: [
      heading,
      suppressionPanel(suppressions, context),
      panel(
        'Messages',
        goForm(
          'Filter',
          (values) => linkTo('recipient', address, textsIn(values, FILTERS)),
          field('Status', select('status', [['', 'all'], ...STATUS_CHOICES], status)),
          field('Tag', h('input', { name: 'tag', value: tag, placeholder: 'all', autocomplete: 'off' })),
          field('From (UTC)', dateInput('from', from)),
          field('Before (UTC)', dateInput('to', to)),
        ),
        first.rows.length === 0 && first.next === null
          ? empty(
              `No message to this recipient is stored${Object.values(filter).some(Boolean) ? ' that fits the filter' : ''}.`,
            )
          : paged(first, read, (rows) =>
              table(
                rows,
                [
                  { head: 'Subject', cell: subjectLink },
                  { head: 'First event', cell: ({ firstAt }) => timeElement(firstAt) },
                  { head: 'Status', cell: (message) => [statusBadge(message.status), marks(message)] },
                  { head: 'Since', cell: ({ status, statusAt }) => (status === null ? '–' : timeElement(statusAt)) },
                  engagementColumn,
                  tagsColumn,
                ],
                { caption: `Messages to ${address}, newest first`, cards: true },
              ),
            ),
      ),
    ],
  };
};

/** Returns true if no mail at all is stored, even if a filter was applied. */
async function hasNoMail(
  { rows, next }: { readonly rows: readonly unknown[]; readonly next: string | null },
  { api, subject: address, parameters }: ViewContext,
): Promise<boolean> {
  if (rows.length > 0 || next !== null) return false;
  if (!FILTERS.some((name) => parameters.get(name))) return true;
  const { messages } = await api.get<RecipientResponse>('/recipients', { address, limit: 1 });
  return messages.length === 0;
}

type Suppression = SuppressionsResponse['suppressions'][number];

function suppressionPanel(
  { suppressed, suppressions }: SuppressionsResponse,
  { settings, subject: recipient }: ViewContext,
): HTMLElement {
  const inForce = suppressions.filter(isInForce);
  const unconfirmedOf = ({ causes }: Suppression) => (causes ?? []).filter(({ unconfirmed }) => unconfirmed);
  // Distrust cannot discard what has left the table, or what another event caused too.
  const isDoubtful = (each: Suppression) =>
    unconfirmedOf(each).length === each.causes?.length &&
    each.causes.some(({ eventKey }) => eventKey === each.eventKey);
  const trusted = kindsOf(inForce.filter((each) => !isDoubtful(each)));
  const doubtful = inForce.flatMap((each) => unconfirmedOf(each).flatMap(({ messageId }) => messageId ?? []));
  const distrust: Child = doubtful.length > 0 && [
    h(
      'p',
      { class: 'note' },
      'It may be forged. This shows what would change without the events Mailgun never listed:',
    ),
    [...new Set(doubtful)].map((messageId) =>
      commandOn(`${messageId}${recipient}`, ledgerCommand(settings.target, 'distrust --plan', messageId, recipient)),
    ),
  ];
  const lift: Child = trusted.length > 0 && [
    h(
      'p',
      { class: 'note' },
      'To send to it again, lift the suppression. This shows what that would do, and without ',
      h('code', {}, '--plan'),
      ' it asks, then lifts; ',
      h('code', {}, '--also-at-mailgun'),
      ' takes the address off Mailgun’s own lists too.',
    ),
    // A lift without a type would lift more than is shown.
    trusted.map((kind) =>
      commandOn(recipient, ledgerCommand(settings.target, `suppressions lift --plan --kind ${kind}`, recipient)),
    ),
  ];
  return h(
    'section',
    { class: 'panel' },
    h('h2', {}, 'Suppressions ', suppressed ? badge('suppressed', 'bad') : badge('none in force', 'good')),
    suppressions.length === 0
      ? empty('Nothing prevents sending to this recipient.')
      : table(
          suppressions,
          [
            { head: 'Kind', cell: ({ kind }) => kind },
            { head: 'Reason', cell: (each) => [reasonText(each), causesList(each)] },
            { head: 'Domain', cell: ({ domain }) => domain },
            { head: 'Since', cell: ({ since }) => timeElement(since) },
            { head: 'Lifted', cell: ({ liftedAt }) => (liftedAt === null ? 'no' : timeElement(liftedAt)) },
          ],
          { caption: `Suppressions of ${recipient}`, cards: true },
        ),
    distrust,
    lift,
  );
}

const isInForce = ({ lastAt, liftedAt }: Suppression) => liftedAt === null || lastAt > liftedAt;
const kindsOf = (suppressions: readonly Suppression[]) => [...new Set(suppressions.map(({ kind }) => kind))];

/** Lists the events that a suppression rests on, each with its mark. */
function causesList({ causes }: Suppression): Child {
  return (
    causes !== null &&
    causes.length > 0 &&
    h(
      'ul',
      { class: 'attempts causes' },
      ...causes.map(({ eventKey, messageId, at, ...trust }) => {
        const time = timeElement(at, 'short');
        const what = messageId === null ? time : h('a', { href: linkTo('message', messageId) }, time);
        const [event] = eventKey.split('#');
        return h('li', {}, `${event} `, what, marks({ ...trust, testMode: false, direction: 'outbound' }));
      }),
    )
  );
}

function reasonText({ kind, reason, scope, source }: Suppression): string {
  if (source === 'mailgun') return `on Mailgun’s own list${reason === null ? '' : ` (${reason})`}`;
  if (kind === 'unsubscribe') return scope === '*' ? 'unsubscribed from everything' : `unsubscribed from ${scope}`;
  return reason ?? 'marked as spam';
}
