import { METRICS } from '../contract.ts';
import type { SliceNews } from './passes/pass-slice.ts';

/**
 * Returns a slice's contribution to the alarms' metrics, without zeros: one slice says nothing about the others, and a
 * zero would end their alarms. An event with other content than listed is as likely forged as an unlisted one.
 */
export function newsMetrics({ lost, unconfirmed, altered }: SliceNews): Record<string, number> {
  const doubtful = unconfirmed + altered;
  return {
    ...(lost > 0 && { [METRICS.lostWebhooks]: lost }),
    ...(doubtful > 0 && { [METRICS.unconfirmed]: doubtful }),
  };
}
