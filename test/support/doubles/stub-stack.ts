import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ReadyLine } from '../../../tools/local-ledger/ready-line.ts';
import { listenOnLoopback } from '../../../tools/local-stack/run/listener.ts';
import type { EventData } from '../../../tools/mailgun-twin/traffic/event-parts.ts';
import { createStubLedger } from './stub-ledger.ts';

interface StubEvent {
  readonly id?: string;
  readonly event: string;
  readonly timestamp: number;
  readonly recipient: string;
  readonly severity?: string;
  readonly reason?: string;
  readonly messageId: string;
  readonly bot?: string;
}

interface Signature {
  readonly timestamp: string;
  readonly token: string;
  readonly signature: string;
  readonly 'parent-signature'?: string;
}

/** Faults of the stub. @default none */
export interface StubFaults {
  /** Acknowledged but not stored. */
  readonly forgets?: (event: StubEvent) => boolean;
  /** Status other than 200; the event is not stored. */
  readonly statusOf?: (event: StubEvent) => number | undefined;
  /** Never found by reconciliation, though Mailgun lists it. */
  readonly overlooks?: (event: EventData) => boolean;
  /** A second domain, without slices before the second run of reconciliation. */
  readonly lateDomain?: string;
  /** Number of initial reads that get a 503. */
  readonly failedReads?: number;
}

const SIGNING_KEY = 'key-of-the-stub';
/** Key of the primary account; the stub accepts events of its subaccounts as well. */
export const STUB_PARENT_KEY = 'key-of-the-parent';
const API_TOKEN = 'token-of-the-stub';
const RANKS: Record<string, number> = { accepted: 10, opened: 25, clicked: 25, delivered: 30, complained: 50 };

/** A minimal in-memory receiver that keeps the stack's promises, with the local stack's interface. */
export async function startStubStack(faults: StubFaults = {}) {
  const stored = new Map<string, StubEvent>();
  let posts = 0;
  let reads = 0;

  const nameOf = ({ messageId, recipient, event, id }: StubEvent) => [messageId, recipient, event, id].join(' ');
  const ledger = createStubLedger({
    isStored: (data) => stored.has(nameOf(fromEventData(data))),
    store: (data) => stored.set(nameOf(fromEventData(data)), fromEventData(data)),
    overlooks: faults.overlooks,
    lateDomain: faults.lateDomain,
  });

  async function receive(request: IncomingMessage): Promise<number> {
    posts += 1;
    const parsed = await parseWebhook(request);
    if (!isSigned(parsed.signature)) return 401;
    const status = faults.statusOf?.(parsed.event);
    if (status !== undefined) return status;
    if (!faults.forgets?.(parsed.event)) stored.set(nameOf(parsed.event), parsed.event);
    return 200;
  }

  function messageNamed(messageId: string) {
    const events = [...stored.values()].filter((event) => event.messageId === messageId);
    const recipients = [...Map.groupBy(events, ({ recipient }) => recipient)].map(([recipient, own]) =>
      recipientRecord(recipient, own),
    );
    return { messageId, recipients, events: events.map((event) => ({ ...event, key: keyOf(event) })), next: null };
  }

  const { url: base, close } = await listenOnLoopback(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stub');
    const reply = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    if (pathname === '/webhooks/mailgun') return reply(await receive(request), {});
    if (pathname === '/control/stats') {
      return reply(200, { queue: { visible: 0, inFlight: 0 }, deadLetters: 0, reconcile: ledger.sums });
    }
    if (pathname === '/control/reconcile') return reply(200, ledger.reconcile());
    if (request.headers.authorization !== `Bearer ${API_TOKEN}`) return reply(401, {});
    reads += 1;
    if (reads <= (faults.failedReads ?? 0)) return reply(503, {});
    if (pathname === '/mailgun/ledger') return reply(200, ledger.ledger(searchParams.get('domain')));
    if (pathname === '/mailgun/stats') return reply(200, ledger.stats(searchParams.get('domain')));
    const id = searchParams.get('id') ?? decodeURIComponent(pathname.replace('/mailgun/messages/', ''));
    const message = messageNamed(id);
    return reply(message.events.length === 0 ? 404 : 200, message);
  });

  const ready: ReadyLine = {
    event: 'ready',
    pid: process.pid,
    processes: {},
    mailgunUrl: base,
    dashboardUrl: 'http://127.0.0.1:9/#token=stub',
    webhookUrl: `${base}/webhooks/mailgun`,
    apiUrl: base,
    controlUrl: `${base}/control`,
    apiToken: API_TOKEN,
    signingKey: SIGNING_KEY,
    domains: ['mg.example.com', ...(faults.lateDomain === undefined ? [] : [faults.lateDomain])],
    engine: 'dynoxide',
  };
  return {
    ready,
    /** Events that the stub's Mailgun lists. */
    log: ledger.log,
    posts: () => posts,
    reconcileRuns: () => ledger.sums.runs,
    stop: close,
  };
}

function isSigned({ timestamp, token, signature, 'parent-signature': parentSignature }: Signature): boolean {
  const hmac = (key: string) =>
    createHmac('sha256', key)
      .update(timestamp + token)
      .digest('hex');
  return signature === hmac(SIGNING_KEY) || parentSignature === hmac(STUB_PARENT_KEY);
}

async function parseWebhook(request: IncomingMessage): Promise<{ signature: Signature; event: StubEvent }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const body = new Response(Buffer.concat(chunks), { headers });
  if (!headers['content-type'].startsWith('application/json')) return parseForm(await body.formData());
  // biome-ignore lint/suspicious/noExplicitAny: a foreign shape, read field by field
  const { signature, 'event-data': data } = (await body.json()) as any;
  return { signature, event: fromEventData(data) };
}

function parseForm(form: FormData) {
  const first = (name: string) => String(form.get(name));
  const last = (name: string) => String(form.getAll(name).at(-1));
  const [timestamp, token, signature] = [last('timestamp'), last('token'), last('signature')];
  const event = { event: first('event'), timestamp: Number(timestamp), recipient: first('recipient') };
  const messageId = first('Message-Id').slice(1, -1);
  return { signature: { timestamp, token, signature }, event: { ...event, messageId } };
}

// biome-ignore lint/suspicious/noExplicitAny: a foreign shape, read field by field
function fromEventData(data: any): StubEvent {
  const { id, event, timestamp, recipient, severity, reason } = data;
  const bot = data['client-info']?.bot;
  return { id, event, timestamp, recipient, severity, reason, messageId: data.message.headers['message-id'], bot };
}

const keyOf = ({ event, id }: StubEvent) => `${event}#${id}`;
const rankOf = ({ event, severity }: StubEvent) => RANKS[event] ?? (severity === 'permanent' ? 40 : 20);

function recipientRecord(recipient: string, own: readonly StubEvent[]) {
  const decider = own
    .filter(({ event }) => event !== 'unsubscribed')
    .toSorted((a, b) => rankOf(b) - rankOf(a) || a.timestamp - b.timestamp)[0];
  const rank = decider ? rankOf(decider) : 0;
  const count = (name: string, byMachine: boolean) =>
    own.filter(({ event, bot }) => event === name && Boolean(bot) === byMachine).length;
  const failure = decider?.reason?.startsWith('suppress-') ? 'suppressed' : decider?.reason;
  return {
    recipient,
    status: { 10: 'ACCEPTED', 20: 'DEFERRED', 25: 'DELIVERED', 30: 'DELIVERED', 40: 'FAILED', 50: 'COMPLAINED' }[rank],
    reason: rank === 40 ? failure : null,
    decidedBy: decider ? keyOf(decider) : null,
    opens: count('opened', false),
    clicks: count('clicked', false),
    machineOpens: count('opened', true),
    machineClicks: count('clicked', true),
    unsubscribed: own.some(({ event }) => event === 'unsubscribed'),
  };
}
