import { UNKNOWN_DOMAIN } from '../contract.ts';
import { eachOf } from '../domain/concurrency.ts';
import { total } from '../domain/ledger/counts.ts';
import { maySend } from '../domain/ledger/requeue.ts';
import { doubtfulIn, secondPassAt } from '../domain/ledger/slice.ts';
import { type HeldLease, type LeaseDeps, withLease } from '../shared/lease.ts';
import { createPassSlice, type DonePass, isGoneAt, type PassSliceDeps, type RunContext } from './passes/pass-slice.ts';
import { createPlanPasses, isVisibleAt, type PassPlan, type PlannedPass } from './plan-passes.ts';
import { ListingError, type ListingFailure, type QueueDepth, type ReconciliationState } from './ports.ts';

export interface ReconcileDeps extends Omit<PassSliceDeps, 'ledger'>, LeaseDeps {
  ledger: ReconciliationState;
  depth: QueueDepth;
  /** True if events may belong to other domains, so that even a single domain is not assumed. */
  hasFurtherDomains?: boolean;
  /** False where former domains could not be read: what the run finds is a lower bound. @default true */
  areDomainsKnown?: boolean;
  /** True if a Mailgun API key is set. */
  isConfigured: () => Promise<boolean>;
  /** More messages than this in the queue are a backlog. */
  backlogMessages: number;
}

interface RunRequest {
  /** Pass every open and every old slice now; needs an empty queue before it sends. */
  ignoreWaits: boolean;
  deadlineMs: number;
}

/** The result of a run, by the local stack's contract; `done`: nothing that is due was left. */
export interface RunReport {
  slices: number;
  expected: number;
  missing: number;
  sent: number;
  open: number;
  done: boolean;
}

/** The state of the ledgers after a run; ages in seconds. */
interface Gauges {
  /** Age of the watermark, of first or of second passes. */
  watermarkAge: number;
  openSliceAge: number;
  stuck: number;
  /** Events that Mailgun does not list, or lists otherwise, and that no one has accepted. */
  inDoubt: number;
  /** Events that webhooks should have brought, of domains whose new slices no webhook brought anything in. */
  silentEvents: number;
}

/** How far a run's result is conclusive: without a listing, finding nothing proves nothing. */
interface Judgement {
  /** The gauges hold every domain; else they are lower bounds. */
  isGauged: boolean;
  /** Slices were passed, and no domain failed. */
  isWhole: boolean;
  /** Mailgun refused the API key for some domain. */
  isKeyRefused: boolean;
}

/**
 * `off` without an API key; `unreadable` where its secret cannot be read; `busy` while another run holds the lease.
 * `wasOn`: there is a ledger, so a key was there once.
 */
type RunResult =
  | { kind: 'ran'; report: RunReport; gauges: Gauges; judgement: Judgement }
  | { kind: 'busy' }
  | { kind: 'off'; wasOn: boolean }
  | { kind: 'unreadable'; wasOn: boolean; cause: unknown };

/** Failures that concern one slice; after any other the rest of the domain waits for the next run. */
const SLICE_FAILURES: readonly ListingFailure[] = ['out-of-retention', 'malformed', 'too-large', 'endless'];

/** With less time a pass would do no more than begin. */
const MIN_SHARE_MS = 1000;
/** Domains whose state is read in parallel. */
const DOMAINS_AT_ONCE = 4;
/** Slices read in parallel to count unconfirmed events. */
const DOUBTS_AT_ONCE = 8;
/** Due, open, and for the second time. */
const KINDS_OF_PASSES = 3;

/** Runs over all domains: finds what webhooks missed, requeues it, and writes the ledger. */
export function createReconcile(deps: ReconcileDeps): (request: RunRequest) => Promise<RunResult> {
  return async (request) => {
    try {
      if (!(await deps.isConfigured())) return { kind: 'off', wasOn: await hasLedger(deps) };
    } catch (cause) {
      return { kind: 'unreadable', wasOn: await hasLedger(deps), cause };
    }
    const result = await withLease(deps, (held) => runAll(deps, request, held));
    return result === 'busy' ? { kind: 'busy' } : { kind: 'ran', ...result };
  };
}

/** The state of one domain in a run. */
interface DomainWork {
  domain: string;
  plan: PassPlan;
  passed: Set<number>;
  hasFailed: boolean;
  /** Events that webhooks should have brought in slices passed for the first time, and how many of them none did. */
  deliverable: number;
  undelivered: number;
}

/** A domain's passes of one kind. */
interface PassQueue {
  list: readonly PlannedPass[];
  work: DomainWork;
  /** A slice lacks something that may not be sent now; those after it would be listed for nothing. */
  isHeld: boolean;
}

interface Turn {
  work: DomainWork;
  item: PlannedPass;
  queue: PassQueue;
}

async function runAll(deps: ReconcileDeps, { ignoreWaits, deadlineMs }: RunRequest, held: HeldLease) {
  const { now, times } = deps;
  const report: RunReport = { slices: 0, expected: 0, missing: 0, sent: 0, open: 0, done: true };
  const messages = await deps.depth.messages();
  // A slice's missing events may be in a long queue: marking it open would be wrong, requeueing would lengthen the
  // queue. Its domain is paused instead, so a long outage of process shows as an old watermark.
  const mayRequeue = maySend(messages, deps.backlogMessages, ignoreWaits);
  const passSlice = createPassSlice(deps);
  const run: RunContext = { ...held, ignoreWaits };
  const planPasses = createPlanPasses(deps);
  const areKnown = deps.areDomainsKnown ?? true;
  const judgement: Judgement = { isGauged: areKnown, isWhole: areKnown, isKeyRefused: false };
  const gone = new Set(deps.domains.filter(({ isGone }) => isGone).map(({ name }) => name));
  const fail = (domain: string, error: unknown) => {
    deps.onFailure(domain, error);
    // An error for a domain that is gone does not concern the others.
    if (isGoneAt(deps.domains, domain, error)) return;
    report.done = false;
    if (gone.has(domain) && error instanceof ListingError) return;
    judgement.isWhole = false;
    judgement.isKeyRefused ||= error instanceof ListingError && error.reason === 'unauthorized';
  };

  const hasUnknown = deps.hasFurtherDomains || deps.domains.length > 1;
  const names = [...deps.domains.map(({ name }) => name), ...(hasUnknown ? [UNKNOWN_DOMAIN] : [])];
  const plans = new Map<string, PassPlan>();
  await eachOf(names, DOMAINS_AT_ONCE, async (domain) => {
    try {
      plans.set(domain, await planPasses(domain, ignoreWaits));
    } catch (error) {
      judgement.isGauged = false;
      fail(domain, error);
    }
  });
  const works = names.flatMap((domain): DomainWork[] => {
    const plan = plans.get(domain);
    return plan ? [{ domain, plan, passed: new Set(), hasFailed: false, deliverable: 0, undelivered: 0 }] : [];
  });

  const paused: Turn[] = [];
  const runPass = async (turn: Turn) => {
    const { work, item, queue } = turn;
    const { domain } = work;
    const { start, end, ...about } = item;
    // Half of the time that is left, so that a domain whose listing hangs does not use up that of the others.
    const mayStarve = works.length > 1 || deps.parallel < KINDS_OF_PASSES;
    const shareMs = now() + (mayStarve ? Math.max(MIN_SHARE_MS, (deadlineMs - now()) / 2) : Number.POSITIVE_INFINITY);
    try {
      const bounds = { start, end };
      const hasStragglers = about.stragglers !== undefined;
      const deadline = { deadlineMs: Math.min(deadlineMs, shareMs) };
      const outcome = await passSlice(run, {
        domain,
        bounds,
        ...about,
        hasStragglers,
        maySend: mayRequeue,
        ...deadline,
      });
      if (outcome.kind === 'paused' && now() < deadlineMs) {
        paused.push(turn);
        return;
      }
      if (outcome.kind !== 'done') {
        queue.isHeld ||= outcome.kind === 'held';
        report.done = false;
        return;
      }
      for (const straggler of about.stragglers ?? []) {
        // What came in after a kept part was compared gets a pass that compares that part again.
        const wasCompared = isVisibleAt(outcome.startedAtMs, straggler, { ignoreWaits, ...times });
        if (wasCompared) await deps.ledger.dropStraggler(domain, straggler);
      }
      work.passed.add(start);
      count(report, work, outcome, about.isBackfill ?? false);
    } catch (error) {
      work.hasFailed ||= !(error instanceof ListingError && SLICE_FAILURES.includes(error.reason));
      fail(domain, error);
    }
  };

  const turns = inTurns(works.flatMap((work) => lists(work.plan).map((list) => ({ list, work, isHeld: false }))));
  const worker = async () => {
    for (;;) {
      const next = turns.next().value ?? paused.shift();
      if (next === undefined) return;
      if (next.work.hasFailed || next.queue.isHeld) continue;
      if (now() >= deadlineMs) report.done = false;
      else await runPass(next);
    }
  };
  await Promise.all(Array.from({ length: deps.parallel }, worker));

  const gauges: Gauges = { watermarkAge: 0, openSliceAge: 0, stuck: 0, inDoubt: 0, silentEvents: 0 };
  await eachOf(works, DOMAINS_AT_ONCE, async (work) => {
    // Unstored events may have come by webhook, and wait in the queue.
    if (work.undelivered === work.deliverable && work.deliverable > messages) gauges.silentEvents += work.deliverable;
    try {
      held.assertHeld();
      const watermarks = await work.plan.advance((start) => work.passed.has(start));
      await gauge(work.domain, watermarks);
    } catch (error) {
      judgement.isGauged = false;
      fail(work.domain, error);
    }
  });
  judgement.isWhole &&= report.slices > 0;
  return { report, gauges, judgement };

  async function gauge(domain: string, watermarks: PassPlan['watermarks']): Promise<void> {
    const nowSeconds = Math.floor(now() / 1000);
    if (watermarks !== undefined && !gone.has(domain)) {
      // A second pass begins when half of what Mailgun keeps is over, so being late with it weighs twice.
      const secondAt = secondPassAt({ end: watermarks.second + times.sliceSeconds }, times.retentionSeconds);
      const { returnedAt = 0 } = deps.domains.find(({ name }) => name === domain) ?? {};
      const since = (at: number) => nowSeconds - Math.max(at, returnedAt);
      gauges.watermarkAge = Math.max(gauges.watermarkAge, since(watermarks.position), 2 * since(secondAt));
    }
    for (const open of (await deps.ledger.readMarkers(domain)).open) {
      report.open += 1;
      gauges.openSliceAge = Math.max(gauges.openSliceAge, nowSeconds - Math.floor(open.since / 1000));
      gauges.stuck += open.stuck;
    }
    const inDoubt = await countInDoubt(deps, domain, held);
    gauges.inDoubt += inDoubt;
  }
}

/** Markers that a crash left behind are dropped. */
async function countInDoubt({ ledger, slices }: ReconcileDeps, domain: string, held: HeldLease): Promise<number> {
  const doubtfulAt = async (start: number) => {
    const slice = await slices.read(domain, start);
    return slice === undefined ? 0 : doubtfulIn(slice);
  };
  let count = 0;
  await eachOf(await ledger.readDoubts(domain), DOUBTS_AT_ONCE, async (start) => {
    let doubtful = await doubtfulAt(start);
    if (doubtful === 0) {
      held.assertHeld();
      await ledger.dropDoubt(domain, start);
      // A run that took over meanwhile puts the marker before it writes the slice, and either may have come before.
      doubtful = await doubtfulAt(start);
      if (doubtful > 0) await ledger.putDoubt(domain, start);
    }
    count += doubtful;
  });
  return count;
}

const lists = ({ due, open, second }: PassPlan) => [due, open, second];

/** Yields one item of every list in turn, so that none waits for the end of another. */
function* inTurns(queues: readonly PassQueue[]): Generator<Turn, undefined> {
  const longest = Math.max(0, ...queues.map(({ list }) => list.length));
  for (let nth = 0; nth < longest; nth += 1) {
    for (const queue of queues) {
      const item = queue.list[nth];
      if (item !== undefined) yield { work: queue.work, item, queue };
    }
  }
  return undefined;
}

function count(report: RunReport, work: DomainWork, { previous, slice, tally }: DonePass, isBackfill: boolean): void {
  report.slices += 1;
  report.expected += total(slice.expected);
  report.missing += total(slice.missing);
  report.sent += tally.sent;
  if (previous !== undefined || isBackfill) return;
  work.deliverable += tally.deliverable;
  work.undelivered += total(tally.late) + total(tally.lost);
}

/** If the table does not respond, its own alarms report that. */
async function hasLedger({ ledger, domains }: Pick<ReconcileDeps, 'ledger' | 'domains'>): Promise<boolean> {
  return Promise.all(domains.map(({ name }) => ledger.readWatermarks(name))).then(
    (found) => found.some((watermarks) => watermarks !== undefined),
    () => false,
  );
}
