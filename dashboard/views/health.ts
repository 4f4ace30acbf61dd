import type { EventEntry, EventsResponse } from '../../api/responses/events.ts';
import type { LedgerResponse } from '../../api/responses/ledger.ts';
import { type QueryParameters, unlessFailed } from '../api.ts';
import { DAY_SECONDS } from '../values/time.ts';
import type { View, ViewContext } from '../view.ts';
import { alarmsPanel } from './health/alarms.ts';
import { domainPanel } from './health/completeness.ts';
import { pipelinePanel } from './health/pipeline.ts';

/** Health and completeness: one call, and two for each domain, however many events there were. */
export const healthView: View = async (context) => {
  const health = await context.health();
  const nowSeconds = Math.ceil(Date.now() / 1000);
  const range = { from: nowSeconds - DAY_SECONDS, to: nowSeconds };
  const days = await Promise.all(
    health.domains.map(async (domain) => {
      const [ledger, newest] = await Promise.all([
        context.api.get<LedgerResponse>('/ledger', { domain, ...range }),
        newestEvent(context, { domain, ...range, limit: 1 }),
      ]);
      return { domain, ledger, newest };
    }),
  );
  return {
    title: 'Health',
    content: [
      alarmsPanel(health, context),
      ...days.map(({ domain, ledger }) => domainPanel(domain, ledger, nowSeconds)),
      pipelinePanel(health, days, nowSeconds, context),
    ],
  };
};

/** Returns the newest event; null if it cannot be read, since completeness is worth showing without it. */
async function newestEvent({ api }: ViewContext, query: QueryParameters): Promise<readonly EventEntry[] | null> {
  const found = await unlessFailed(api.get<EventsResponse>('/events', query));
  return found?.events ?? null;
}
