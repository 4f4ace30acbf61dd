import type { JsonObject } from '../../domain/canonical.ts';
import { valueAt } from '../../domain/events/event.ts';
import { add, type Counts } from '../../domain/ledger/counts.ts';
import { COUNTED_TYPES, type WitnessHour } from '../../domain/ledger/witness.ts';
import { ListingError, type MailgunMetrics } from '../../reconcile/ports.ts';
import { rfc2822 } from './listing-apis.ts';
import { baseUrlOf, type MailgunAccess, objectsOf, requestMailgun } from './mailgun-client.ts';

const FAILED_WEBHOOKS = 'webhook_count';
const METRICS = [...COUNTED_TYPES.map(({ countedAs }) => countedAs), FAILED_WEBHOOKS];
/** More than any request reads: a full page may not be the whole. */
const MAX_ROWS = 1000;

/** Mailgun's Metrics API (`POST /v1/analytics/metrics`): of the whole account, asked for one domain by the hour. */
export function createMailgunMetrics(access: MailgunAccess): MailgunMetrics {
  return {
    async hours({ name, region }, from, to, deadlineMs) {
      const request = {
        start: rfc2822(from),
        end: rfc2822(to - 1),
        resolution: 'hour',
        dimensions: ['time'],
        metrics: METRICS,
        filter: { AND: [{ attribute: 'domain', comparator: '=', values: [{ label: name, value: name }] }] },
        include_subaccounts: false,
        include_aggregates: false,
        pagination: { sort: 'time:asc', skip: 0, limit: MAX_ROWS },
      };
      const body = await requestMailgun(
        access,
        `${baseUrlOf(access, region)}/v1/analytics/metrics`,
        { method: 'POST', body: JSON.stringify(request), headers: { 'content-type': 'application/json' } },
        // The calls of a day are counted, and the next hour makes up for one that failed.
        { deadlineMs, maxAttempts: 1 },
      );
      const items = objectsOf(body.items ?? []);
      if (items === undefined) throw new ListingError('malformed');
      const total = valueAt(body, 'pagination', 'total');
      if (items.length >= MAX_ROWS || (typeof total === 'number' && total > items.length)) {
        throw new ListingError('too-large');
      }
      return items.map(readHour).filter(({ start }) => start >= from && start < to);
    },
  };
}

function readHour(item: JsonObject): WitnessHour {
  const time = objectsOf(item.dimensions)?.find(({ dimension }) => dimension === 'time')?.value;
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (!Number.isFinite(ms)) throw new ListingError('malformed');
  const counts: Counts = {};
  for (const { id, countedAs } of COUNTED_TYPES) add(counts, id, countIn(item, countedAs));
  return { start: Math.floor(ms / 1000), counts, failedWebhooks: countIn(item, FAILED_WEBHOOKS) };
}

/** Returns a count; 0 where a plan does not have it. */
function countIn(item: JsonObject, name: string): number {
  const count = valueAt(item, 'metrics', name) ?? 0;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) throw new ListingError('malformed');
  return count;
}
