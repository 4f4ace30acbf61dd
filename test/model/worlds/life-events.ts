import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { DOMAIN, NOW_MS } from '../../support/fixtures/webhooks.ts';

/** Expected statuses by a handwritten order, independent of the code under test. */
const OUTCOMES = {
  accepted: { rank: 1, status: 'ACCEPTED', fields: {} },
  deferred: { rank: 2, status: 'DEFERRED', fields: { event: 'failed', severity: 'temporary', reason: 'generic' } },
  opened: { rank: 3, status: 'DELIVERED', fields: {} },
  clicked: { rank: 3, status: 'DELIVERED', fields: { url: 'https://example.org/' } },
  delivered: { rank: 4, status: 'DELIVERED', fields: {} },
  bounced: { rank: 5, status: 'FAILED', fields: { event: 'failed', severity: 'permanent', reason: 'bounce' } },
  expired: { rank: 5, status: 'FAILED', fields: { event: 'failed', severity: 'temporary', reason: 'old' } },
  complained: { rank: 6, status: 'COMPLAINED', fields: {} },
  unsubscribed: { rank: 0, status: null, fields: { tags: ['*'] } },
} as const;

export type LifeOutcome = keyof typeof OUTCOMES;
export const OUTCOME_NAMES = Object.keys(OUTCOMES) as LifeOutcome[];

/** Returns an event of the model; `second` is its time within the run. */
export function lifeEvent(outcome: LifeOutcome, message: number, recipient: number, second: number): JsonObject {
  const fields: JsonObject = JSON.parse(JSON.stringify(OUTCOMES[outcome].fields));
  return {
    event: outcome,
    ...fields,
    id: `${outcome}-${second}`,
    timestamp: NOW_MS / 1000 - 3600 + second,
    recipient: `person${recipient}@example.org`,
    domain: { name: DOMAIN },
    message: { headers: { 'message-id': `message${message}@${DOMAIN}` } },
  };
}

/** Returns the expected status for a set of events of one message and recipient. */
export function expectedStatus(events: JsonObject[]): { status: string | null; decidedBy: string } {
  const judged = events.map((event) => {
    const [outcome] = String(event.id).split('-') as [LifeOutcome];
    return { ...OUTCOMES[outcome], second: Number(event.timestamp), key: `${event.event}#${event.id}` };
  });
  judged.sort((a, b) => b.rank - a.rank || a.second - b.second || (a.key < b.key ? 1 : -1));
  const [winner] = judged;
  if (winner === undefined) throw new Error('no events');
  return { status: winner.status, decidedBy: winner.key };
}
