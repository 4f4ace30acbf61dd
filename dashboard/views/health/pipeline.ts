import type { EventEntry } from '../../../api/responses/events.ts';
import type { HealthResponse } from '../../../api/responses/health.ts';
import { ledgerCommand } from '../../components/command.ts';
import { type Child, h } from '../../components/dom.ts';
import { badge, command, eventText, marks, messageLink, panel } from '../../components/parts.ts';
import { linkTo } from '../../route.ts';
import { numberText } from '../../values/numbers.ts';
import { spanText, timeElement, utcDay } from '../../values/time.ts';
import type { ViewContext } from '../../view.ts';

/** Shows the newest event of each domain, and the queues. */
export function pipelinePanel(
  { queue, deadLetters, ledger, receivers }: HealthResponse,
  days: readonly { domain: string; newest: readonly EventEntry[] | null }[],
  nowSeconds: number,
  { settings }: ViewContext,
): HTMLElement {
  const fact = (name: string, ...values: Child[]) =>
    h('div', { class: 'fact' }, h('dt', {}, name), h('dd', {}, ...values));
  const unknown = () => badge('unknown', 'unknown');
  const lastEvent = ({ domain, newest }: (typeof days)[number]) => {
    const last = newest?.[0];
    return fact(
      days.length === 1 ? 'Last event' : `Last event of ${domain}`,
      last === undefined
        ? newest === null
          ? unknown()
          : 'none in the last 24 hours'
        : [
            h('strong', {}, `${spanText(nowSeconds - last.timestamp)} ago`),
            ' ',
            timeElement(last.timestamp),
            h('br'),
            h('a', { href: linkTo('events', '', { domain, day: utcDay(last.timestamp) }) }, eventText(last)),
            marks(last),
            h('br'),
            messageLink(last.messageId),
          ],
    );
  };
  return panel(
    ledger,
    h(
      'dl',
      { class: 'facts' },
      ...days.map(lastEvent),
      fact('In the queue', queue === null ? unknown() : h('strong', {}, numberText(queue))),
      fact(
        'Dead letters',
        deadLetters === null
          ? unknown()
          : deadLetters === 0
            ? h('strong', {}, '0')
            : badge(numberText(deadLetters), 'bad'),
        deadLetters !== 0 && command(ledgerCommand(settings.target, 'dlq list')),
      ),
      receivers.length > 0 &&
        fact(
          'Receivers',
          ...receivers.flatMap((name, at) => [at > 0 && ', ', h('a', { href: linkTo('receiver', name) }, name)]),
        ),
    ),
  );
}
