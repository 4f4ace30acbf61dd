import type { ReceiverEntry } from '../../../api/responses/receivers.ts';
import { ledgerCommand } from '../../components/command.ts';
import { type Child, h } from '../../components/dom.ts';
import { badge, command, empty, type Mood, panel } from '../../components/parts.ts';
import { table } from '../../components/table.ts';
import { numberText } from '../../values/numbers.ts';
import { timeElement } from '../../values/time.ts';

const CONDITIONS: Readonly<Record<ReceiverEntry['state'], readonly [words: string, mood: Mood]>> = {
  enabled: ['enabled', 'good'],
  failing: ['failing', 'wait'],
  disabled: ['disabled', 'bad'],
};
const REASONS = {
  gone: 'it responded 410',
  failing: 'every attempt failed for days',
  operator: 'by a command',
} as const;

/** Shows if a receiver gets its deliveries, what is left over, and the commands for it. */
export function statePanel(receiver: ReceiverEntry, target: string | undefined): HTMLElement {
  const { name, state, since, reason, lastStatus, queue, deadLetters, ledger, unaccounted } = receiver;
  const fact = (title: string, value: number | null, isBad = false) => {
    const text = value === null ? 'unknown' : numberText(value);
    const shown =
      value === null ? badge(text, 'unknown') : isBad && value > 0 ? badge(text, 'bad') : h('strong', {}, text);
    return h('div', { class: 'fact' }, h('dt', {}, title), h('dd', {}, shown));
  };
  const because = reason === null ? '' : `: ${REASONS[reason]}${lastStatus ? `, last status ${lastStatus}` : ''}`;
  return h(
    'section',
    { class: 'panel' },
    h('h2', {}, name, ' ', badge(...CONDITIONS[state])),
    since !== null && h('p', { class: 'note' }, `${CONDITIONS[state][0]} since `, timeElement(since), because),
    h(
      'dl',
      { class: 'facts' },
      fact('In the queue', queue),
      fact('In the DLQ', deadLetters, true),
      fact('Acknowledged', ledger.acknowledged),
      fact('Waiting', ledger.waiting),
      fact('Dead', ledger.dead, true),
      fact('Unaccounted for', ledger.unaccounted, true),
    ),
    commands(),
    unaccounted.length > 0 && [
      h('p', { class: 'note' }, 'Unaccounted for, oldest first:'),
      h(
        'ul',
        {},
        ...unaccounted.map(({ id, publishedAt }) => h('li', {}, timeElement(publishedAt), ' ', h('code', {}, id))),
      ),
    ],
  );

  /** Shows the commands, the most helpful first. */
  function commands(): Child[] {
    const lines: [isNeeded: boolean, text: string, words: string][] = [
      [state === 'disabled', 'Once it is fixed, enable it:', 'receivers enable'],
      [deadLetters !== 0 || ledger.dead > 0, 'See what would be delivered again:', 'receivers redeliver --plan'],
      [ledger.unaccounted > 0, 'See what is unaccounted for:', 'receivers log --state unaccounted'],
    ];
    return lines
      .filter(([isNeeded]) => isNeeded)
      .flatMap(([, text, words]) => [h('p', { class: 'note' }, text), command(ledgerCommand(target, words, name))]);
  }
}

/** Shows the delivery ledger of the last day. */
export function hoursPanel({ name, hours, countedFrom }: ReceiverEntry): HTMLElement {
  return panel(
    'By hour',
    h('p', { class: 'note' }, 'Counted since ', timeElement(countedFrom), '.'),
    hours.length === 0
      ? empty('Nothing was published to it.')
      : table(
          hours,
          [
            { head: 'From', cell: ({ hour }) => timeElement(hour) },
            { head: 'Published', numeric: true, cell: ({ published }) => numberText(published) },
            { head: 'Acknowledged', numeric: true, cell: ({ acknowledged }) => numberText(acknowledged) },
            { head: 'Waiting', numeric: true, cell: ({ waiting }) => numberText(waiting) },
            { head: 'Dead', numeric: true, cell: ({ dead }) => numberText(dead) },
            { head: 'Unaccounted', numeric: true, cell: ({ unaccounted }) => numberText(unaccounted) },
          ],
          { caption: `Deliveries to ${name} by hour, newest first`, cards: true, tall: true },
        ),
  );
}
