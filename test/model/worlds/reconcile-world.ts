import { secondPassSeconds } from '../../../lambdas/contract.ts';
import { decodeQueueMessage } from '../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../lambdas/domain/json.ts';
import { type Counts, total } from '../../../lambdas/domain/ledger/counts.ts';
import { createProcess } from '../../../lambdas/process/process.ts';
import { createAccept } from '../../../lambdas/reconcile/accept.ts';
import type { AlteredEvent } from '../../../lambdas/reconcile/passes/part-context.ts';
import type { SliceNews } from '../../../lambdas/reconcile/passes/pass-slice.ts';
import type { ComparedDomain } from '../../../lambdas/reconcile/ports.ts';
import { createReconcile, type ReconcileDeps, type RunReport } from '../../../lambdas/reconcile/reconcile.ts';
import { createReplay, type ReplayRequest } from '../../../lambdas/reconcile/replays/replay.ts';
import type { AcceptEvent, ReplayReport } from '../../../lambdas/reconcile/replays/replay-contract.ts';
import { CrashableInvocation, type InjectedFailure } from '../../support/doubles/crashable-invocation.ts';
import { InMemoryLedger } from '../../support/doubles/in-memory-ledger.ts';
import {
  InMemoryBook,
  InMemoryMailgun,
  InMemoryRequeues,
  InMemoryStored,
} from '../../support/doubles/in-memory-reconcile.ts';
import { erasureKey, InMemoryErasures } from '../../support/fixtures/erasures.ts';
import { DOMAIN, NOW_MS } from '../../support/fixtures/webhooks.ts';

const TIMES = { everySeconds: 900, settleSeconds: 1800, sliceSeconds: 900, retentionSeconds: 10 * 86_400 };
export const TYPES = ['accepted', 'delivered', 'opened', 'clicked', 'unsubscribed', 'complained', 'permanent_fail'];

/** Mailgun's listing, the table, the queue and reconcile, in memory with one clock. */
export class ReconcileWorld {
  readonly ledger = new InMemoryLedger();
  readonly erasures = new InMemoryErasures();
  readonly book = new InMemoryBook();
  readonly requeues = new InMemoryRequeues();
  readonly stored = new InMemoryStored(this.ledger);
  readonly mailgun = new InMemoryMailgun(() => this.nowMs);
  readonly sends = new Map<string, number>();
  readonly news: SliceNews[] = [];
  readonly altered: AlteredEvent[] = [];
  readonly failures: unknown[] = [];
  /** Dependencies that are down; their calls fail. */
  readonly down = new Set<'mailgun' | 'table' | 'queue' | 'process' | 'secrets'>();
  nowMs = NOW_MS;
  fromEpochSeconds: number | undefined = NOW_MS / 1000;
  backlogMessages = 50;
  domains: ComparedDomain[] = [{ name: DOMAIN, region: 'us' }];
  hasFurtherDomains = false;
  areDomainsKnown = true;
  /** Set if all domains of the account have a ledger. */
  noteUndiscovered: ((domain: string, nowMs: number) => Promise<void>) | undefined;
  isConfigured = true;
  msPerCall = 0;
  budgetMs = 275_000;
  gauges = { watermarkAge: 0, openSliceAge: 0, stuck: 0, inDoubt: 0, silentEvents: 0 };
  times = TIMES;
  parallel = 4;
  /** True if the lease is renewed by its timer. */
  hasTimer = true;
  readonly #timers = new Set<{ atMs: number; everyMs: number; task: () => Promise<void> }>();
  readonly #registered: readonly string[];
  #holders = 0;

  constructor(registered = TYPES) {
    this.#registered = registered;
    const send = this.ledger.send.bind(this.ledger);
    this.ledger.send = async (message) => {
      await send(message);
      const key = String(message.event.id);
      if (message.source === 'reconcile') this.sends.set(key, (this.sends.get(key) ?? 0) + 1);
    };
  }

  /** Adds an event at Mailgun; its webhook is stored, or is lost. */
  happen(event: JsonObject, isDropped: boolean): void {
    this.mailgun.add(event);
    if (!isDropped) this.webhook(event);
  }

  /** Stores a webhook; by default it is received after its event. */
  webhook(event: JsonObject, domain = DOMAIN, receivedAt = this.#receiptOf(event)): void {
    void this.ledger.send({ source: 'webhook', receivedAt, domain, event });
  }

  #receiptOf({ timestamp }: JsonObject): number {
    return Math.max(this.nowMs, Math.ceil(Number(timestamp) * 1000) || 0);
  }

  async process(): Promise<void> {
    if (this.down.has('process') || this.down.has('table')) return;
    const store = createProcess({
      records: this.ledger,
      corrections: this.ledger,
      copies: this.ledger.copies,
      stragglers: {
        ledgerStart: (domain) => this.book.ledgerStart(domain),
        note: (domain, straggler) => this.book.note(domain, straggler),
        noteUndiscovered: this.noteUndiscovered,
      },
      retentionDays: 400,
      statusDays: 400,
      erasures: this.erasures,
      erasureKey,
      secondPassSeconds: secondPassSeconds(this.times.retentionSeconds),
      now: () => this.nowMs,
    });
    for (const body of this.ledger.queue.splice(0)) {
      const decoded = decodeQueueMessage(body);
      if (!decoded.ok) throw new Error(decoded.reason);
      await store(decoded.message);
    }
  }

  async run({ ignoreWaits = false, trouble }: { ignoreWaits?: boolean; trouble?: InjectedFailure | undefined } = {}) {
    const invocation = new CrashableInvocation(trouble);
    const reconcile = createReconcile(this.#deps(invocation));
    const result = await invocation
      .run(() => reconcile({ ignoreWaits, deadlineMs: this.nowMs + this.budgetMs }))
      .catch((error) => {
        this.failures.push(error);
        return undefined;
      });
    if (result?.kind === 'ran') this.gauges = result.gauges;
    return { result, points: invocation.points };
  }

  /** Calls a replay of the world's domain once. */
  async replay(
    over: Partial<ReplayRequest> & Pick<ReplayRequest, 'fromEpochSeconds' | 'toEpochSeconds'>,
    trouble?: InjectedFailure,
  ): Promise<{ report: ReplayReport | undefined; points: string[] }> {
    const invocation = new CrashableInvocation(trouble);
    const replay = createReplay(this.#deps(invocation));
    const request = { domain: DOMAIN, plan: false, deadlineMs: this.nowMs + this.budgetMs, ...over };
    const report = await invocation.run(() => replay(request));
    return { report, points: invocation.points };
  }

  #deps(invocation: CrashableInvocation) {
    const port = <T extends object>(prefix: 'mailgun' | 'table' | 'queue', target: T): T =>
      invocation.wrap(
        prefix,
        new Proxy(target, {
          get: (object, name, receiver) => {
            const member = Reflect.get(object, name, receiver);
            if (typeof member !== 'function') return member;
            return (...args: unknown[]) => {
              if (this.down.has(prefix)) throw new Error(`${prefix} is down`);
              this.pass(this.msPerCall);
              return member.apply(object, args);
            };
          },
        }),
      );
    // A generator is not a promise, so `list` passes no gate; outages show in the calls around it.
    return {
      source: port('mailgun', this.mailgun),
      index: { keysUpTo: port('table', this.stored).keysUpTo, stored: this.stored.stored.bind(this.stored) },
      events: port('table', this.stored),
      requeues: port('table', this.requeues),
      parts: port('table', this.book),
      erasureKey,
      queue: port('queue', this.ledger),
      depth: port('queue', this.stored),
      ledger: port('table', this.book),
      lease: port('table', this.book),
      slices: sliceBook(port('table', this.book), this.book),
      domains: this.domains,
      hasFurtherDomains: this.hasFurtherDomains,
      areDomainsKnown: this.areDomainsKnown,
      registered: this.#registered,
      times: { ...this.times, fromEpochSeconds: this.fromEpochSeconds },
      backlogMessages: this.backlogMessages,
      isConfigured: async () => {
        if (this.down.has('secrets')) throw new Error('secrets are down');
        return this.isConfigured;
      },
      now: () => this.nowMs,
      newRunId: () => `run-${++this.#holders}`,
      parallel: this.parallel,
      every: (everyMs, task) => {
        const timer = { atMs: this.nowMs + everyMs, everyMs, task };
        if (this.hasTimer) this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
      onNews: (news: SliceNews) => this.news.push(news),
      onAltered: (altered: AlteredEvent) => this.altered.push(altered),
      onFailure: (_domain: string, error: unknown) => this.failures.push(error),
    } satisfies ReconcileDeps;
  }

  /** Accepts the slice that contains a time. */
  async accept(over: Partial<AcceptEvent> & Pick<AcceptEvent, 'atEpochSeconds'>) {
    const accept = createAccept(this.#deps(new CrashableInvocation()));
    return accept({ domain: DOMAIN, reason: 'looked into', deadlineMs: this.nowMs + this.budgetMs, ...over });
  }

  /** Advances the clock and runs the timers that fall due. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.#timers) {
      if (timer.atMs > this.nowMs) continue;
      timer.atMs = this.nowMs + timer.everyMs;
      void timer.task();
    }
  }

  /** Runs reconcile, and requires that the run completes. */
  async report(ignoreWaits = false): Promise<RunReport> {
    const { result } = await this.run({ ignoreWaits });
    if (result?.kind !== 'ran') throw new Error(`the run is ${result?.kind}`, { cause: this.failures.at(-1) });
    return result.report;
  }

  /** Advances by hours, with a run and the queue's consumer every 15 minutes. */
  async live(hours: number): Promise<void> {
    for (let quarter = 0; quarter < hours * 4; quarter += 1) {
      this.nowMs += 900_000;
      await this.run();
      await this.process();
    }
  }

  get totals() {
    const slices = [...this.book.slices.values()];
    const sum = (name: 'expected' | 'stored' | 'missing' | 'recovered' | 'unconfirmed' | 'lost' | 'late' | 'polled') =>
      slices.reduce((all, slice) => all + total(slice[name]), 0);
    return {
      expected: sum('expected'),
      stored: sum('stored'),
      missing: sum('missing'),
      recovered: sum('recovered'),
      unconfirmed: sum('unconfirmed'),
      lost: sum('lost'),
      late: sum('late'),
      polled: sum('polled'),
    };
  }
}

/** `list` is a generator, which a gate of promises cannot wrap. */
function sliceBook(gated: InMemoryBook, book: InMemoryBook) {
  return {
    read: gated.read,
    write: gated.write,
    list: book.list.bind(book),
  };
}

/** Matches counts of no events; `{}` in an expectation would match any counts. */
export const NO_EVENTS = {
  $$typeof: Symbol.for('jest.asymmetricMatcher'),
  asymmetricMatch: (counts: Counts) => total(counts) === 0,
  toString: () => 'NoEvents',
};

/** Returns a numbered event at a time (epoch seconds); its type and tags follow from the number. */
export function numbered(number: number, atSeconds: number, over: JsonObject = {}): JsonObject {
  const [name, fields] = KINDS[number % KINDS.length] as (typeof KINDS)[number];
  return {
    event: name,
    id: `id-${number}`,
    timestamp: atSeconds,
    recipient: `person${number % 7}@example.org`,
    domain: { name: DOMAIN },
    message: { headers: { 'message-id': `message${number}@${DOMAIN}` } },
    tags: TAGS[number % TAGS.length] as string[],
    ...fields,
    ...over,
  };
}

const KINDS: [name: string, fields: JsonObject][] = [
  ['accepted', {}],
  ['delivered', {}],
  ['opened', {}],
  ['failed', { severity: 'permanent', reason: 'bounce' }],
  ['delivered', {}],
  ['clicked', { url: 'https://example.org/' }],
  ['stored', {}],
];
const TAGS = [[], ['welcome'], ['welcome', 'spring'], ['spring', 'spring']];
