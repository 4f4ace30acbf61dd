import type { CampaignFailureEntry, CampaignResponse } from '../../../api/responses/campaign.ts';
import { FAILURE_CLASSES } from '../../../lambdas/domain/status/failure-class.ts';
import { type Child, h } from '../../components/dom.ts';
import { csvButton } from '../../components/download.ts';
import { empty, messageLink, panel, recipientLink } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { numberText } from '../../values/numbers.ts';
import { timeElement } from '../../values/time.ts';
import { reportCommand } from './report-command.ts';

const TITLE = 'Failed permanently';

/** Shows the failed recipients of a campaign, each with the server's reply. */
export function failedPanel(report: CampaignResponse, target: string | undefined): Child {
  const { tag, mails, failures } = report;
  if (mails === null || mails.mails === 0) return null;
  if (failures.length === 0) return panel(TITLE, empty('None of its mail failed.'));
  const isCut = failures.length < mails.failed;
  return panel(
    TITLE,
    h(
      'div',
      { class: 'actions' },
      csvButton(['failed recipients', `failed-${tag}`], failures, [
        ['recipient', ({ recipient }) => recipient],
        ['messageId', ({ messageId }) => messageId],
        ['at', ({ at }) => new Date(at * 1000).toISOString()],
        ['failureClass', ({ failureClass }) => failureClass],
        ['reason', ({ reason }) => reason],
        ['code', ({ code }) => code],
        ['text', ({ text }) => text],
      ]),
    ),
    isCut && [
      h('p', {}, `Only ${numberText(failures.length)} of ${numberText(mails.failed)} are here. This lists all:`),
      reportCommand(report, target),
    ],
    table(
      failures,
      [
        { head: 'Recipient', cell: recipientCell },
        { head: 'Time', cell: ({ at }) => timeElement(at) },
        { head: 'Why', cell: ({ failureClass }) => FAILURE_CLASSES[failureClass] },
        { head: 'Code', cell: codeCell },
        { head: 'The server said', cell: ({ text, reason }) => text ?? reason },
        { head: 'Message', cell: ({ messageId }) => messageLink(messageId) },
      ],
      { caption: TITLE, cards: true, tall: true },
    ),
  );
}

/** Codes are short; a longer text comes from the sender. */
const codeCell = ({ code }: CampaignFailureEntry) =>
  code !== null && code.length <= 12 ? h('span', { class: 'nowrap' }, code) : code;

const recipientCell = ({ recipient }: CampaignFailureEntry) =>
  recipient === null ? 'erased' : recipientLink(recipient);
