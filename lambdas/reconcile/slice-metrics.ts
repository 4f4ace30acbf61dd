import { METRICS } from '../contract.ts';
import type { SliceNews } from './passes/pass-slice.ts';

/**
 * Returns what a slice adds to the metrics of the alarms. What is zero is left out: one slice does not tell that the
 * others are well, and a zero would end their alarms. An event with other content than Mailgun lists is as likely
 * forged as one that it does not list.
 */
export function newsMetrics({ lost, unconfirmed, altered }: SliceNews): Record<string, number> {
  const doubtful = unconfirmed + altered;
  return {
    ...(lost > 0 && { [METRICS.lostWebhooks]: lost }),
    ...(doubtful > 0 && { [METRICS.unconfirmed]: doubtful }),
  };
}
