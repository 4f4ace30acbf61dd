import type { StoredKey } from '../../../lambdas/domain/events/day-index.ts';
import { publishedEvent, type StatusRow, type SuppressionRow } from '../../../lambdas/domain/publishing/published.ts';
import { createNotedBus } from '../../../lambdas/publish/note-deliveries.ts';
import type { EventBus, PublishedDeliveries, Unpublished } from '../../../lambdas/publish/ports.ts';
import { createRepublish, type RepublishRequest } from '../../../lambdas/publish/republish.ts';
import { DOMAIN } from '../fixtures/webhooks.ts';

export const START_MS = 1_770_000_000_000;
const CHOICE = { ledger: 'l', subjectKey: 'k', recipients: true };

/** A stored event; it is the one that decided its status unless `decides` says otherwise. */
export interface Stored {
  n: number;
  atMs: number;
  name?: string;
  decides?: boolean;
  over?: Partial<StatusRow>;
}

/** Ends the function at a call of the bus, counted from 1: before the bus takes the events, or after. */
interface Crash {
  call: number;
  isAfter: boolean;
  die(): Promise<never>;
}

/** Returns a ledger of stored events, each of its own message, and a bus with these results. */
export function openRepublish(
  stored: readonly Stored[],
  result: (id: number, call: number) => Unpublished | undefined = () => undefined,
  crash?: Crash,
) {
  const keys: StoredKey[] = stored.map(({ n, atMs, name = 'delivered' }) => ({
    partition: `MSG#${n}`,
    eventSort: `R#r${n}#E#${name}#${n}`,
    atMs,
  }));
  const statuses: StatusRow[] = stored.map(({ n, atMs, name = 'delivered', decides = true, over }) => ({
    type: 'status',
    partition: `MSG#${n}`,
    sort: `R#r${n}#STATUS`,
    order: `30#${atMs}#${decides ? `${name}#${n}` : 'other#event'}`,
    status: 'DELIVERED',
    reason: null,
    statusAtMs: atMs,
    decidedBy: decides ? `${name}#${n}` : 'other#event',
    recipient: `r${n}`,
    domain: DOMAIN,
    ...over,
  }));
  const suppressions: SuppressionRow[] = stored
    .filter(({ name }) => name === 'complained')
    .map(({ n, atMs }) => ({
      type: 'suppression',
      partition: `SUP#r${n}`,
      sort: 'd#complaint#*',
      domain: DOMAIN,
      kind: 'complaint',
      scope: '*',
      reason: null,
      source: 'event',
      sinceMs: atMs,
      lastAtMs: atMs,
      eventKey: `complained#${n}`,
      recipient: `r${n}`,
      liftedAtMs: null,
    }));
  const announced: { id: string; atMs: number }[] = [];
  const noted = new Set<string>();
  const delivered = new Set<string>();
  let calls = 0;
  let nowMs = 0;
  const engine: EventBus = {
    async put(events) {
      calls += 1;
      nowMs += 10;
      if (calls === crash?.call && !crash.isAfter) return crash.die();
      const outcomes = events.map(({ detail, changedAtMs }) => {
        const outcome = result(Number(String(detail.eventKey).split('#')[1]), calls);
        if (outcome !== undefined) return outcome;
        announced.push({ id: detail.id, atMs: nowMs });
        delivered.add(`${changedAtMs / 1000} ${detail.id}`);
        return undefined;
      });
      return calls === crash?.call ? crash.die() : outcomes;
    },
  };
  const notes: PublishedDeliveries = {
    async note(deliveries) {
      for (const { delivery } of deliveries) noted.add(`${delivery.publishedAt} ${delivery.id}`);
    },
  };
  const bus = createNotedBus(engine, notes, [{ name: 'billing', filter: {} }]);
  const run = createRepublish({
    bus,
    index: {
      async *stored(_domain, fromMs, toMs) {
        yield* keys.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).toSorted((a, b) => a.atMs - b.atMs);
      },
    },
    rows: {
      async statuses(wanted) {
        return statuses.filter((row) => wanted.some((key) => key.partition === row.partition && key.sort === row.sort));
      },
      suppressions: async (recipientKey) => suppressions.filter(({ partition }) => partition === `SUP#${recipientKey}`),
    },
    domains: [DOMAIN],
    eventsOf: async (rows) => rows.map((row) => publishedEvent(row, CHOICE)),
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  });
  const range = { domain: DOMAIN, fromMs: START_MS, toMs: START_MS + 86_400_000, plan: false, rate: 1000 };
  return {
    announced,
    noted,
    delivered,
    run: (over: Partial<RepublishRequest> = {}) => run({ ...range, deadlineMs: Number.POSITIVE_INFINITY, ...over }),
    clock: () => nowMs,
    wait(ms: number) {
      nowMs += ms;
    },
  };
}
