import { METRICS } from '../contract.ts';
import type { JsonObject } from '../domain/canonical.ts';
import { eventName, textAt } from '../domain/event.ts';
import { eventTypeOf } from '../domain/event-types.ts';
import { statusUpdateOf } from '../domain/status.ts';

/**
 * How the attempts that these events tell of came out, by metric; what is none is left out. Bounced is every permanent
 * failure of a mail that Mailgun tried to deliver: suppressed and rejected mail never left it.
 */
export function outcomeMetrics(events: readonly JsonObject[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of events) {
    const metric = metricOf(event);
    if (metric !== undefined) counts[metric] = (counts[metric] ?? 0) + 1;
  }
  return counts;
}

function metricOf(event: JsonObject): string | undefined {
  const { metric } = eventTypeOf(eventName(event), textAt(event, 'severity')?.toLowerCase());
  if (metric === null || statusUpdateOf(event).reason === 'suppressed') return undefined;
  return METRICS[metric];
}
