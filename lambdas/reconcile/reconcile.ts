import { secondPassSeconds } from '../contract.ts';
import type { QueueDepth, SendingDomain } from '../domain/reconcile-ports.ts';
import { createDomainRun, type DomainRunDeps, type RunReport } from './domain-run.ts';
import { type LeaseDeps, withLease } from './lease.ts';
import type { Hearing } from './slice-visit.ts';

export interface ReconcileDeps extends Omit<DomainRunDeps, 'keepAlive'>, LeaseDeps {
  domains: readonly SendingDomain[];
  depth: QueueDepth;
  /** Whether somebody has put a Mailgun API key. */
  isConfigured: () => Promise<boolean>;
  /** More messages than this in the queue are a backlog. */
  backlogMessages: number;
  onFailure: (domain: string, error: unknown) => void;
}

export interface RunRequest {
  /** Look at every open and every old slice now; needs an empty queue before it sends. */
  ignoreWaits: boolean;
  deadlineMs: number;
}

/** The state of the ledgers after a run; ages in seconds. */
export interface Gauges {
  /** How far behind the ledger is: its first looks, or its second ones. */
  cursorAge: number;
  openSliceAge: number;
  stuck: number;
  /** Of domains whose new slices no webhook brought anything in: the events that webhooks should have brought. */
  silentEvents: number;
}

/**
 * `off` without an API key; `unreadable` where its secret cannot be read; `busy` while another run holds the lease.
 * `wasOn`: there is a ledger, so a key was there once.
 */
export type RunResult =
  | { kind: 'ran'; report: RunReport; gauges: Gauges }
  | { kind: 'busy' }
  | { kind: 'off'; wasOn: boolean }
  | { kind: 'unreadable'; wasOn: boolean; cause: unknown };

/** One run over all domains: finds what webhooks missed, has it stored, and writes the ledger. */
export function createReconcile(deps: ReconcileDeps): (request: RunRequest) => Promise<RunResult> {
  return async (request) => {
    try {
      if (!(await deps.isConfigured())) return { kind: 'off', wasOn: await hasLedger(deps) };
    } catch (cause) {
      return { kind: 'unreadable', wasOn: await hasLedger(deps), cause };
    }
    const result = await withLease(deps, async (keepAlive) => {
      const messages = await deps.depth.messages();
      const maySend = messages <= (request.ignoreWaits ? 0 : deps.backlogMessages);
      const runDomain = createDomainRun({ ...deps, keepAlive });
      const report: RunReport = { slices: 0, expected: 0, missing: 0, sent: 0, open: 0, done: true };
      const gauges: Gauges = { cursorAge: 0, openSliceAge: 0, stuck: 0, silentEvents: 0 };
      for (const [index, domain] of deps.domains.entries()) {
        // A fair share of the time that is left, so that one domain's arrears starve no other.
        const nowMs = deps.now();
        const deadlineMs = nowMs + (request.deadlineMs - nowMs) / (deps.domains.length - index);
        const heard: Hearing = { deliverable: 0, absent: 0 };
        const onHearing = ({ deliverable, absent }: Hearing) => {
          heard.deliverable += deliverable;
          heard.absent += absent;
        };
        try {
          await runDomain({ domain, ignoreWaits: request.ignoreWaits, maySend, deadlineMs, onHearing }, report);
        } catch (error) {
          report.done = false;
          deps.onFailure(domain.name, error);
        }
        // What process has not stored yet may have come by webhook, and lie in the queue.
        if (heard.absent === heard.deliverable && heard.deliverable > messages) {
          gauges.silentEvents += heard.deliverable;
        }
        await gauge(deps, domain.name, report, gauges).catch((error) => deps.onFailure(domain.name, error));
      }
      return { kind: 'ran' as const, report, gauges };
    });
    return result === 'busy' ? { kind: 'busy' } : result;
  };
}

/** Where the table does not say, its own alarms do. */
async function hasLedger({ book, domains }: Pick<ReconcileDeps, 'book' | 'domains'>): Promise<boolean> {
  const cursors = domains.map(({ name }) => book.readCursor(name));
  return Promise.all(cursors).then(
    (found) => found.some((cursor) => cursor !== undefined),
    () => false,
  );
}

async function gauge(
  { book, now, times }: Pick<ReconcileDeps, 'book' | 'now' | 'times'>,
  domain: string,
  report: RunReport,
  gauges: Gauges,
): Promise<void> {
  const cursor = await book.readCursor(domain);
  if (cursor === undefined) return;
  const nowMs = now();
  const nowSeconds = Math.floor(nowMs / 1000);
  // A second look begins when half of what Mailgun keeps is over, so being late with it weighs twice.
  const lateSeconds = nowSeconds - cursor.second - times.sliceSeconds - secondPassSeconds(times.retentionSeconds);
  gauges.cursorAge = Math.max(gauges.cursorAge, nowSeconds - cursor.position, 2 * lateSeconds);
  for (const open of await book.openSlices(domain)) {
    report.open += 1;
    gauges.openSliceAge = Math.max(gauges.openSliceAge, Math.floor((nowMs - open.since) / 1000));
    gauges.stuck += open.stuck;
  }
}
