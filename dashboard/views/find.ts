import { EVENT_NAMES } from '../../lambdas/domain/event-types.ts';
import { h } from '../dom.ts';
import { field, goForm, select, textIn } from '../form.ts';
import { panel } from '../parts.ts';
import { linkTo } from '../route.ts';
import { utcDay } from '../time.ts';
import type { View, ViewContext } from '../view.ts';

const text = (name: string, placeholder: string) =>
  h('input', { name, placeholder, required: true, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off' });

/** Leads to a message, a recipient, or the events of a day. */
export const findView: View = async (context) => ({
  title: 'Find',
  content: [
    h(
      'div',
      { class: 'grid' },
      panel(
        'A message',
        goForm(
          'Show message',
          (values) => linkTo('message', textIn(values, 'id').replace(/^<(.*)>$/, '$1')),
          field('Message id', text('id', '20261122093000.1a2b@mg.example.com')),
        ),
      ),
      panel(
        'A recipient',
        goForm(
          'Show recipient',
          (values) => linkTo('recipient', textIn(values, 'address')),
          field('Address', text('address', 'ada@example.com')),
        ),
      ),
    ),
    panel('Events of a day', await dayForm(context)),
  ],
});

/** Chooses domain, day and type. */
export async function dayForm({ health, parameters }: ViewContext): Promise<HTMLElement> {
  const { domains } = await health();
  const today = utcDay(Date.now() / 1000);
  return goForm(
    'Show events',
    (values) =>
      linkTo('events', '', {
        domain: textIn(values, 'domain'),
        day: textIn(values, 'day'),
        type: textIn(values, 'type'),
      }),
    field(
      'Domain',
      select(
        'domain',
        domains.map((domain) => [domain, domain]),
        parameters.get('domain') ?? '',
      ),
    ),
    field(
      'Day (UTC)',
      h('input', { type: 'date', name: 'day', required: true, max: today, value: parameters.get('day') ?? today }),
    ),
    field(
      'Type',
      select('type', [['', 'all'], ...EVENT_NAMES.map((type) => [type, type] as const)], parameters.get('type') ?? ''),
    ),
  );
}
