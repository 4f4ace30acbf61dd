import type { RecipientResponse } from '../../api/responses/recipient.ts';
import type { SuppressionsResponse } from '../../api/responses/suppressions.ts';
import { ledgerCommand } from '../command.ts';
import { type Child, h } from '../dom.ts';
import { badge, commandOn, copyButton, empty, messageLink, panel, statusBadge } from '../parts.ts';
import { paged, table } from '../table.ts';
import { timeElement } from '../time.ts';
import type { View, ViewContext } from '../view.ts';

const PAGE = 50;

/** The messages of a recipient, and whether sending to it is wise. */
export const recipientView: View = async (context) => {
  const { api, subject: address } = context;
  const read = async (cursor?: string) => {
    const { messages, next } = await api.get<RecipientResponse>('/recipients', { address, limit: PAGE, cursor });
    return { rows: messages, next };
  };
  const [suppressions, first] = await Promise.all([
    api.get<SuppressionsResponse>('/suppressions', { address }),
    read(),
  ]);
  return {
    title: 'Recipient',
    content: [
      h(
        'p',
        { class: 'subject' },
        h('code', {}, address),
        ' ',
        copyButton('Copy address', () => address),
      ),
      suppressionPanel(suppressions, context),
      panel(
        'Messages',
        first.rows.length === 0 && first.next === null
          ? empty('No message to this recipient is stored.')
          : paged(first, read, (rows) =>
              table(
                rows,
                [
                  { head: 'Message', cell: ({ messageId }) => messageLink(messageId) },
                  { head: 'Status', cell: ({ status }) => statusBadge(status) },
                  { head: 'Since', cell: ({ status, statusAt }) => (status === null ? '–' : timeElement(statusAt)) },
                ],
                { caption: `Messages to ${address}, newest first`, cards: true },
              ),
            ),
      ),
    ],
  };
};

type Suppression = SuppressionsResponse['suppressions'][number];

function suppressionPanel(
  { recipient, suppressed, suppressions }: SuppressionsResponse,
  { settings }: ViewContext,
): HTMLElement {
  const lift: Child = suppressed && [
    h(
      'p',
      { class: 'note' },
      'To send to it again, lift the suppression here; ',
      h('code', {}, '--also-at-mailgun'),
      ' takes the address off Mailgun’s own lists too.',
    ),
    commandOn(recipient, ledgerCommand(settings.target, 'suppressions lift', recipient)),
  ];
  return h(
    'section',
    { class: 'panel' },
    h('h2', {}, 'Suppressions ', suppressed ? badge('suppressed', 'bad') : badge('none in force', 'good')),
    suppressions.length === 0
      ? empty('Nothing speaks against sending to this recipient.')
      : table(
          suppressions,
          [
            { head: 'Kind', cell: ({ kind }) => kind },
            { head: 'Reason', cell: reasonText },
            { head: 'Domain', cell: ({ domain }) => domain },
            { head: 'Since', cell: ({ since }) => timeElement(since) },
            { head: 'Lifted', cell: ({ liftedAt }) => (liftedAt === null ? 'no' : timeElement(liftedAt)) },
          ],
          { caption: `Suppressions of ${recipient}`, cards: true },
        ),
    lift,
  );
}

function reasonText({ kind, reason, scope }: Suppression): string {
  if (kind === 'unsubscribe') return scope === '*' ? 'unsubscribed from everything' : `unsubscribed from ${scope}`;
  return reason ?? 'marked as spam';
}
