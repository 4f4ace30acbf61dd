import { EventLog, FIRST } from '../../../tools/mailgun-twin/listings/event-log.ts';
import type { EventData } from '../../../tools/mailgun-twin/traffic/event-parts.ts';

interface StubLedgerDeps {
  isStored(data: EventData): boolean;
  store(data: EventData): void;
  /** Returns true for events that reconciliation does not find. */
  overlooks?: ((data: EventData) => boolean) | undefined;
  /** A domain without slices before the second run; the other domain holds everything. */
  lateDomain?: string | undefined;
}

/** A minimal reconciliation: one run finds everything that is listed and not stored. */
export function createStubLedger({ isStored, store, overlooks = () => false, lateDomain }: StubLedgerDeps) {
  const log = new EventLog();
  const sums = { runs: 0, slices: 0, missing: 0, sent: 0 };
  const listed = () =>
    log
      .read({ from: [0, FIRST], until: Number.POSITIVE_INFINITY, upwards: true, limit: log.size, shows: () => true })
      .map(({ data }) => data);
  const count = (events: readonly EventData[]) => {
    const types = Map.groupBy(events, ({ event }) => event);
    return Object.fromEntries([...types].map(([type, those]) => [type, those.length]));
  };

  return {
    log,
    sums,
    reconcile() {
      const missing = listed().filter((data) => !isStored(data) && !overlooks(data));
      for (const data of missing) store(data);
      sums.runs += 1;
      sums.slices += 1;
      sums.missing += missing.length;
      sums.sent += missing.length;
      const [expected, sent] = [log.size, missing.length];
      return { slices: 1, expected, missing: sent, sent, open: Number(sent > 0), done: true };
    },
    ledger(domain: string | null) {
      const events = listed().filter((data) => !overlooks(data));
      const missing = events.filter((data) => !isStored(data));
      const times = listed().map(({ timestamp }) => timestamp);
      const bounds = { start: Math.floor(Math.min(...times)), end: Math.ceil(Math.max(...times)) };
      if (domain === lateDomain) {
        const none = { state: 'settled', expected: {}, missing: {}, unconfirmed: {}, undecided: {} };
        return { slices: sums.runs < 2 ? [] : [{ domain, ...bounds, ...none }], totals: {} };
      }
      const state = missing.length === 0 ? 'settled' : 'open';
      const counts = { expected: count(events), missing: count(missing), unconfirmed: {}, undecided: {} };
      return { slices: [{ domain: 'mg.example.com', ...bounds, state, ...counts }], totals: {} };
    },
    stats(domain: string | null) {
      const counted = listed().filter((data) => domain !== lateDomain && !overlooks(data));
      return { buckets: [{ tag: '*', counts: count(counted) }] };
    },
  };
}
