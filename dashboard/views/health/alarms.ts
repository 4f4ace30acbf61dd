import type { AlarmEntry, HealthResponse } from '../../../api/responses/health.ts';
import { ledgerCommand } from '../../components/command.ts';
import { type Child, h } from '../../components/dom.ts';
import { badge, command, panel, shortTime } from '../../components/parts.ts';
import type { ViewContext } from '../../view.ts';

/** Shows the alarms that are on, with impact and first command, and the number of the others. */
export function alarmsPanel({ ledger, alarms }: HealthResponse, { settings }: ViewContext): HTMLElement {
  if (alarms === null) {
    return panel(
      'Alarms',
      h('p', {}, badge('unknown', 'unknown'), ' CloudWatch does not respond.'),
      command(ledgerCommand(settings.target, 'status')),
    );
  }
  const on = alarms.filter(({ state }) => state === 'ALARM');
  const unjudged = alarms.filter(({ state }) => state === 'INSUFFICIENT_DATA').length;
  const quiet = alarms.length - on.length - unjudged;
  const others = `Of ${alarms.length}: ${quiet} quiet${unjudged > 0 ? `, ${unjudged} not judged yet` : ''}.`;
  const explained = new Set(on.flatMap(({ explains }) => explains));
  const nameOf = ({ name }: AlarmEntry) => name.replace(`${ledger}-`, '');
  // An explained alarm ends with its cause, so causes come first.
  const ordered = on.toSorted((a, b) => Number(explained.has(nameOf(a))) - Number(explained.has(nameOf(b))));
  return panel(
    'Alarms',
    on.length === 0 ? h('p', {}, badge('none is on', 'good')) : h('ul', { class: 'alarms' }, ...ordered.map(item)),
    h('p', { class: 'note' }, others),
  );

  function item(alarm: AlarmEntry): HTMLElement {
    const { since, happened, impact, explains, runbook, first } = alarm;
    const also = explains.filter((other) => on.some((each) => nameOf(each) === other));
    const line = (label: string, text: string | null): Child => text !== null && h('p', {}, `${label}: ${text}`);
    return h(
      'li',
      {},
      h(
        'p',
        {},
        badge(nameOf(alarm), 'bad'),
        ' ',
        h('strong', {}, happened),
        since !== null && [' since ', shortTime(since)],
      ),
      line('Who is hurt', impact),
      also.length > 0 && h('p', {}, `Explains: ${also.join(', ')}`),
      runbook !== null && h('p', {}, 'Runbook: ', h('code', {}, runbook)),
      first !== null && command(first),
    );
  }
}
