import { EVENT_NAMES } from '../../lambdas/domain/event-types.ts';
import { h } from '../components/dom.ts';
import { dateInput, field, goForm, sameText, select, textIn, textsIn } from '../components/form.ts';
import { panel } from '../components/parts.ts';
import { linkTo } from '../route.ts';
import { utcDay } from '../values/time.ts';
import { domainsOf, type View, type ViewContext } from '../view.ts';
import { mailForm } from './mails.ts';

const searchInput = (value: string) =>
  h('input', {
    name: 'text',
    value,
    placeholder: 'ada@example.com',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'off',
  });

/** Takes an address, a message id, a tag, a subject or a variable. */
export const searchForm = (text = ''): HTMLElement =>
  goForm(
    'Search',
    (values) => linkTo('search', textIn(values, 'text')),
    field('Address, message id, tag, beginning of the subject, or variable=value', searchInput(text)),
  );

/** Leads to a mail by anything known of it, or to the events of a day. */
export const findView: View = async (context) => ({
  title: 'Find',
  content: [
    panel('Search', searchForm()),
    panel('Mail by status', await mailForm(context)),
    panel('Events of a day', await dayForm(context)),
  ],
});

/** Chooses domain, day and type. */
export async function dayForm({ health, parameters }: ViewContext): Promise<HTMLElement> {
  const domains = domainsOf(await health());
  const today = utcDay(Date.now() / 1000);
  return goForm(
    'Show events',
    (values) => linkTo('events', '', textsIn(values, ['domain', 'day', 'type'])),
    field('Domain', select('domain', sameText(domains), parameters.get('domain') ?? '')),
    field('Day (UTC)', dateInput('day', parameters.get('day') ?? today, { required: true, max: today })),
    field('Type', select('type', [['', 'all'], ...sameText(EVENT_NAMES)], parameters.get('type') ?? '')),
  );
}
