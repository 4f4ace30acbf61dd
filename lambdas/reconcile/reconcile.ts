import type { QueueDepth, SendingDomain } from '../domain/reconcile-ports.ts';
import { createDomainRun, type DomainRunDeps, type RunReport } from './domain-run.ts';
import { type LeaseDeps, withLease } from './lease.ts';

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
  cursorAge: number;
  openSliceAge: number;
  stuck: number;
}

/** `off` without an API key; `busy` while another run holds the lease. */
export type RunResult = { kind: 'ran'; report: RunReport; gauges: Gauges } | { kind: 'off' | 'busy' };

/** One run over all domains: finds what webhooks missed, has it stored, and writes the ledger. */
export function createReconcile(deps: ReconcileDeps): (request: RunRequest) => Promise<RunResult> {
  return async (request) => {
    if (!(await deps.isConfigured())) return { kind: 'off' };
    const result = await withLease(deps, async (keepAlive) => {
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
      return { kind: 'ran' as const, report, gauges };
    });
    return result === 'busy' ? { kind: 'busy' } : result;
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
