import { METRICS } from '../contract.ts';
import { type MailgunEvent, parseEvent } from '../domain/events/mailgun-event.ts';
import type { JsonObject } from '../domain/json.ts';

/**
 * Returns the outcomes of the attempts that these events report, by the `metric` of their row in `event-types.ts`,
 * without zeros. Bounced is every permanent failure of a mail that Mailgun tried to deliver: suppressed and rejected mail never
 * left it. Mail in test mode was not sent, and routed mail is not ours.
 */
export function outcomeMetrics(events: readonly JsonObject[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of events) {
    const metric = metricOf(parseEvent(event));
    if (metric !== undefined) counts[metric] = (counts[metric] ?? 0) + 1;
  }
  return counts;
}

function metricOf(event: MailgunEvent): string | undefined {
  const { metric } = event.type;
  const wasTried = !event.isTestMode && !event.isInbound && event.suppressionList === undefined;
  return metric === null || !wasTried ? undefined : METRICS[metric];
}
