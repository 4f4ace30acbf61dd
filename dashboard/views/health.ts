import type { EventsResponse } from '../../api/responses/events.ts';
import type { HealthResponse } from '../../api/responses/health.ts';
import type { LedgerResponse } from '../../api/responses/ledger.ts';
import { type Failure, unlessUnreadable } from '../api.ts';
import { ledgerCommand } from '../components/command.ts';
import { type Child, h } from '../components/dom.ts';
import { badge, command, panel } from '../components/parts.ts';
import { linkTo } from '../route.ts';
import { numberText } from '../values/numbers.ts';
import { DAY_SECONDS } from '../values/time.ts';
import { readDomains, shownDomains, type View, type ViewContext } from '../view.ts';
import { alarmsPanel } from './health/alarms.ts';
import { domainPanel, worstFirst } from './health/completeness.ts';
import { pipelinePanel } from './health/pipeline.ts';

/**
 * Health and completeness: one call, and two for each domain shown, however many events there were. A domain that cannot
 * be read hides neither the alarms nor the others, and is read again once it may be.
 */
export const healthView: View = async (context) => {
  const health = await context.health();
  const nowSeconds = Math.ceil(Date.now() / 1000);
  const range = { from: nowSeconds - DAY_SECONDS, to: nowSeconds };
  const shown = health.domains === null ? [] : shownDomains(health, context.parameters);
  const failures: Failure[] = [];
  const onFailure = (failure: Failure) => failures.push(failure);
  const days = await readDomains(shown, async (domain) => {
    const [ledger, newest] = await Promise.all([
      unlessUnreadable(context.api.get<LedgerResponse>('/ledger', { domain, ...range }), onFailure),
      unlessUnreadable(context.api.get<EventsResponse>('/events', { domain, ...range, limit: 1 }), onFailure),
    ]);
    return { domain, ledger, newest: newest?.events ?? null };
  });
  days.sort((one, other) => worstFirst(one.ledger, other.ledger));
  return {
    title: 'Health',
    content: [
      alarmsPanel(health, context),
      health.domains === null &&
        panel(
          'Domains',
          h('p', {}, badge('unknown', 'unknown'), ' They could not be read: the table does not respond.'),
        ),
      ...days.map(({ domain, ledger }) => domainPanel(domain, ledger, nowSeconds)),
      pipelinePanel(health, days, nowSeconds, context),
      furtherDomains(health, shown, context),
    ],
    failures,
  };
};

/** Links the domains that are not shown; false if there are none. */
function furtherDomains({ domains }: HealthResponse, shown: readonly string[], { settings }: ViewContext): Child {
  const others = (domains ?? []).filter((domain) => !shown.includes(domain));
  return (
    others.length > 0 &&
    panel(
      'Further domains',
      h(
        'p',
        { class: 'note' },
        `${numberText(others.length)} more ${others.length === 1 ? 'domain is' : 'domains are'} not read here. ` +
          'The command names those whose ledger is incomplete.',
      ),
      command(ledgerCommand(settings.target, 'status')),
      h(
        'p',
        {},
        ...others.flatMap((domain, at) => [
          at > 0 && ' · ',
          h('a', { href: linkTo('health', '', { domain }) }, domain),
        ]),
      ),
    )
  );
}
