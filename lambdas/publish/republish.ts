import { DAY_MS, UNKNOWN_DOMAIN } from '../contract.ts';
import { SUPPRESSING_NAMES } from '../domain/event-types.ts';
import type { StoredKey } from '../domain/events/day-index.ts';
import { nameInEventKey, parseMessageSort, statusSort } from '../domain/keys.ts';
import { isPublishable, type PublishableRow, type PublishedEvent } from '../domain/publishing/published.ts';
import type { PublishableKeys, PublishableRows } from './ports.ts';
import { MAX_EVENTS_PER_PUT, type PutDeps, putInOrder } from './put-in-order.ts';
import type { RepublishEvent, RepublishReport } from './republish-contract.ts';

interface RepublishDeps extends PutDeps {
  index: PublishableKeys;
  rows: PublishableRows;
  domains: readonly string[];
  eventsOf: (rows: readonly PublishableRow[]) => Promise<PublishedEvent[]>;
  now: () => number;
}

export interface RepublishRequest extends RepublishEvent {
  deadlineMs: number;
}

/** A stored event, by the parts of its key. */
interface Visited {
  partition: string;
  recipientKey: string;
  eventKey: string;
}

/** DynamoDB's maximum per call. */
const MAX_PAGE_EVENTS = 100;
/** A page of a slow republication must fit into one call too. */
const MAX_PAGE_SECONDS = 10;

/**
 * Publishes again, in their current state, all statuses and suppressions decided by events of a time range, each at its
 * deciding event. Runs until the deadline, and stops between two milliseconds.
 */
export function createRepublish(deps: RepublishDeps): (request: RepublishRequest) => Promise<RepublishReport> {
  const { index, rows, domains, eventsOf, now, sleep } = deps;

  return async ({ domain, fromMs, toMs, plan, rate, datedMs = now(), deadlineMs }) => {
    const report: RepublishReport = {
      state: 'ran',
      events: 0,
      statuses: 0,
      suppressions: 0,
      refused: 0,
      done: false,
      nextFromMs: fromMs,
    };
    // Older formats name no domain.
    if (domain !== UNKNOWN_DOMAIN && !domains.includes(domain)) return { ...report, state: 'unknown-domain' };
    const pace = createPace(rate);
    const pageSize = Math.min(MAX_PAGE_EVENTS, rate * MAX_PAGE_SECONDS);
    let page: StoredKey[] = [];
    // A day at a time, since many empty ones take time as well.
    for (let dayMs = fromMs; dayMs < toMs; dayMs += DAY_MS) {
      const endMs = Math.min(dayMs + DAY_MS, toMs);
      for await (const key of index.stored(domain, dayMs, endMs - 1)) {
        const last = page.at(-1);
        if (last !== undefined && page.length >= pageSize && key.atMs !== last.atMs) {
          if (!(await finish(last.atMs + 1)) || now() >= deadlineMs) return report;
        }
        page.push(key);
      }
      if (!(await finish(endMs))) return report;
      if (endMs < toMs && now() >= deadlineMs) return report;
    }
    report.done = true;
    return report;

    /** Publishes the page; returns false if the bus failed, so that the page comes again. */
    async function finish(nextFromMs: number): Promise<boolean> {
      const found = await rowsDecidedBy(page);
      const failure = plan ? undefined : await publish(found);
      if (failure !== undefined) {
        report.state = 'failed';
        report.reason = failure;
        return false;
      }
      report.events += page.length;
      for (const { type } of found) report[type === 'status' ? 'statuses' : 'suppressions'] += 1;
      report.nextFromMs = nextFromMs;
      page = [];
      return true;
    }

    async function publish(found: readonly PublishableRow[]): Promise<string | undefined> {
      for (let from = 0; from < found.length; from += MAX_EVENTS_PER_PUT) {
        const events = await eventsOf(found.slice(from, from + MAX_EVENTS_PER_PUT));
        await pace(events.length);
        // The bus's envelope, the receivers' queues and the delivery log name a delivery by whole seconds.
        const changedAtMs = Math.floor(datedMs / 1000) * 1000;
        const dated = events.map((event) => ({ ...event, changedAtMs }));
        const outcomes = await putInOrder(deps, dated);
        const failed = outcomes.find((outcome) => outcome !== undefined && outcome.kind !== 'refused');
        if (failed !== undefined) return failed.reason;
        report.refused += outcomes.filter((outcome) => outcome !== undefined).length;
      }
      return undefined;
    }
  };

  async function rowsDecidedBy(page: readonly StoredKey[]): Promise<PublishableRow[]> {
    const visited = page.map(readKey);
    const byStatus = Map.groupBy(visited, ({ partition, recipientKey }) => `${partition} ${statusSort(recipientKey)}`);
    const keys = [...byStatus.values()].map(([first]) => {
      const { partition, recipientKey } = first as Visited;
      return { partition, sort: statusSort(recipientKey) };
    });
    const found: PublishableRow[] = [];
    for (let from = 0; from < keys.length; from += MAX_PAGE_EVENTS) {
      const statuses = await rows.statuses(keys.slice(from, from + MAX_PAGE_EVENTS));
      found.push(
        ...statuses.filter((row) =>
          byStatus.get(`${row.partition} ${row.sort}`)?.some(({ eventKey }) => eventKey === row.decidedBy),
        ),
      );
    }
    const suppressing = visited.filter(({ eventKey }) => SUPPRESSING_NAMES.includes(nameInEventKey(eventKey)));
    for (const [recipientKey, events] of Map.groupBy(suppressing, (each) => each.recipientKey)) {
      const suppressions = await rows.suppressions(recipientKey);
      found.push(...suppressions.filter((row) => events.some(({ eventKey }) => eventKey === row.eventKey)));
    }
    return found.filter(isPublishable);
  }

  /** Waits before this number of events, so that they leave at the rate. */
  function createPace(rate: number): (count: number) => Promise<void> {
    let freeAtMs = now();
    return async (count) => {
      const waitMs = freeAtMs - now();
      if (waitMs > 0) await sleep(waitMs);
      freeAtMs = Math.max(freeAtMs, now()) + (count * 1000) / rate;
    };
  }
}

function readKey({ partition, eventSort }: StoredKey): Visited {
  const { recipientKey, eventKey = '' } = parseMessageSort(eventSort);
  return { partition, recipientKey, eventKey };
}
