import type { Lease, QueueDepth, SendingDomain } from '../domain/reconcile-ports.ts';
import { createDomainRun, type DomainRunDeps, LostRaceError, type RunReport } from './domain-run.ts';

export interface ReconcileDeps extends Omit<DomainRunDeps, 'keepAlive'> {
  domains: readonly SendingDomain[];
  lease: Lease;
  depth: QueueDepth;
  /** Whether somebody has put a Mailgun API key. */
  isConfigured: () => Promise<boolean>;
  /** More messages than this in the queue are a backlog. */
  backlogMessages: number;
  newHolderId: () => string;
  onFailure: (domain: string, error: unknown) => void;
}

export interface RunRequest {
  /** Look at every open and every old slice now; needs an empty queue before it sends. */
  ignoreWaits: boolean;
  deadlineMs: number;
}

/** The state of the ledgers after a run; ages in seconds. */
export interface Gauges {
  cursorAge: number;
  openSliceAge: number;
  stuck: number;
}

/** `off` without an API key; `busy` while another run holds the lease. */
export type RunResult = { kind: 'ran'; report: RunReport; gauges: Gauges } | { kind: 'off' | 'busy' };

const LEASE_MS = 30_000;
const PROLONG_AFTER_MS = 10_000;

/** One run over all domains: finds what webhooks missed, has it stored, and writes the ledger. */
export function createReconcile(deps: ReconcileDeps): (request: RunRequest) => Promise<RunResult> {
  return async (request) => {
    if (!(await deps.isConfigured())) return { kind: 'off' };
    const holder = deps.newHolderId();
    let heldAt = deps.now();
    if (!(await deps.lease.hold(holder, heldAt, heldAt + LEASE_MS))) return { kind: 'busy' };
    const keepAlive = async () => {
      const nowMs = deps.now();
      if (nowMs - heldAt < PROLONG_AFTER_MS) return;
      if (!(await deps.lease.hold(holder, nowMs, nowMs + LEASE_MS))) throw new LostRaceError();
      heldAt = nowMs;
    };

    try {
      const messages = await deps.depth.messages();
      const maySend = messages <= (request.ignoreWaits ? 0 : deps.backlogMessages);
      const runDomain = createDomainRun({ ...deps, keepAlive });
      const report: RunReport = { slices: 0, expected: 0, missing: 0, sent: 0, open: 0, done: true };
      const gauges: Gauges = { cursorAge: 0, openSliceAge: 0, stuck: 0 };
      for (const [index, domain] of deps.domains.entries()) {
        // A fair share of the time that is left, so that one domain's arrears starve no other.
        const nowMs = deps.now();
        const deadlineMs = nowMs + (request.deadlineMs - nowMs) / (deps.domains.length - index);
        try {
          await runDomain({ domain, ignoreWaits: request.ignoreWaits, maySend, deadlineMs }, report);
        } catch (error) {
          report.done = false;
          deps.onFailure(domain.name, error);
        }
        await gauge(deps, domain.name, report, gauges).catch((error) => deps.onFailure(domain.name, error));
      }
      return { kind: 'ran', report, gauges };
    } finally {
      // It runs out by itself.
      await deps.lease.release(holder).catch(() => {});
    }
  };
}

async function gauge(
  { book, now }: Pick<ReconcileDeps, 'book' | 'now'>,
  domain: string,
  report: RunReport,
  gauges: Gauges,
): Promise<void> {
  const cursor = await book.readCursor(domain);
  if (cursor === undefined) return;
  const nowMs = now();
  gauges.cursorAge = Math.max(gauges.cursorAge, Math.floor(nowMs / 1000) - cursor.position);
  for (const open of await book.openSlices(domain)) {
    report.open += 1;
    gauges.openSliceAge = Math.max(gauges.openSliceAge, Math.floor((nowMs - open.since) / 1000));
    gauges.stuck += open.stuck;
  }
}
