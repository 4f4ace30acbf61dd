import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { openDeployment } from '../../cli/target/open.ts';
import { median, quantile } from '../../tools/bench/statistics.ts';
import type { ReadyLine } from '../../tools/local-ledger/ready-line.ts';
import { createRandom } from '../../tools/mailgun-twin/random.ts';
import { DOMAIN, deliveredEvent } from '../support/fixtures/webhooks.ts';
import { postWebhook } from '../support/stacks/local-stack.ts';
import { clearFaults, DELIVERY_PATH, injectFaults } from './inject-faults.ts';
import { CHANGES_ITS_ADDRESS, type MisbehavingReceiver } from './misbehaviour.ts';

export { startMisbehaving } from './misbehaviour.ts';

interface Plan {
  readonly events: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

interface Posted {
  readonly messageId: string;
  readonly atMs: number;
  /** Milliseconds until ingest responded. */
  readonly ms: number;
}

const DRAIN_WITHIN_MS = 420_000;
const TRIES = 60;

/**
 * Posts events to misbehaving receivers, first without faults and then with them; returns a line per broken promise.
 * The oracle is what the receivers acknowledged and what is in their DLQs.
 */
export async function tortureReceivers(
  ready: ReadyLine,
  all: readonly MisbehavingReceiver[],
  { events, seed, say }: Plan,
): Promise<string[]> {
  const receivers = all.slice(0, -1);
  const [steady, ...others] = receivers as [MisbehavingReceiver, ...MisbehavingReceiver[]];
  const calm = Math.ceil(events / 3);
  const inGoodWeather = await post(ready, 0, calm);
  await until(() => inGoodWeather.every(({ messageId }) => steady.acknowledged.has(messageId)), 'the steady receiver');
  const slow = others.filter(({ name }) => name !== CHANGES_ITS_ADDRESS);
  const behind = slow.filter(({ acknowledged }) => acknowledged.size < calm).length;
  say(`ingest responded within ${latency(inGoodWeather.map(({ ms }) => ms))}`);
  say(`the steady receiver received within ${latency(lagsOf(steady, inGoodWeather))}; ${behind} others were behind`);

  const end = new AbortController();
  const faults = injectFaults(ready, createRandom(seed), end.signal, DELIVERY_PATH);
  const inBadWeather = await post(ready, calm, events - calm);
  await sleep(10_000);
  end.abort();
  const { kills, spells } = await faults;
  await clearFaults(ready);
  say(`${events} events posted, ${kills} kills, ${spells} spells of faults; waiting for the last attempts`);

  const wanted = [...inGoodWeather, ...inBadWeather].map(({ messageId }) => messageId);
  const ledgers = await drained(ready, receivers.length, wanted.length);
  const dead = await deadOf(ready);
  const lines = receivers.flatMap(({ name, acknowledged }, nth) => {
    const isKnown = (id: string) => acknowledged.has(id) || dead[nth]?.has(id);
    const ledger = ledgers[nth] as Ledger;
    const counts = `published ${ledger.published}, acknowledged ${ledger.acknowledged}, dead ${ledger.dead}`;
    say(`${name}: ${counts}, waiting ${ledger.waiting}, unaccounted ${ledger.unaccounted}`);
    const isTrue =
      ledger.published === wanted.length &&
      ledger.acknowledged + ledger.dead === ledger.published &&
      ledger.dead === dead[nth]?.size;
    return [
      ...wanted.filter((id) => !isKnown(id)).map((id) => `${name}: ${id} is neither acknowledged nor in the DLQ`),
      ...(isTrue ? [] : [`${name}: the ledger is not what became of ${wanted.length} events: ${counts}`]),
    ];
  });
  const outcomes = await outcomesOf(
    ready,
    receivers.findIndex(({ name }) => name === CHANGES_ITS_ADDRESS),
  );
  say(`${CHANGES_ITS_ADDRESS}: ${[...outcomes].map(([outcome, times]) => `${outcome} x ${times}`).join(', ')}`);
  // A second lookup of the name would have led into the private network, where nothing responds.
  const elsewhere = [...outcomes.keys()].filter((outcome) => outcome !== '204' && outcome !== 'ForbiddenAddressError');
  const followed = all.at(-1)?.server.received.length ?? 0;
  return [
    ...lines,
    ...(followed > 0 ? [`${followed} redirects were followed`] : []),
    ...elsewhere.map((outcome) => `${CHANGES_ITS_ADDRESS}: ${outcome}, as if a private address had been connected to`),
    ...(outcomes.has('ForbiddenAddressError') ? [] : ['no name led to a private address: nothing was shown']),
    ...(behind === slow.length ? [] : ['a receiver that misbehaves was not behind: nothing was shown']),
    ...(kills === 0 || (dead[1]?.size ?? 0) === 0 ? ['nothing was killed, or nothing is dead'] : []),
  ];
}

async function post(ready: ReadyLine, first: number, count: number): Promise<Posted[]> {
  const posted: Posted[] = [];
  for (let nth = first; nth < first + count; nth += 1) {
    const messageId = `${nth}.${randomUUID()}@${DOMAIN}`;
    const message = { headers: { 'message-id': messageId } };
    const event = deliveredEvent({ id: randomUUID(), timestamp: Date.now() / 1000, message });
    const atMs = Date.now();
    for (let tries = 1; (await postWebhook({ ready }, event)) !== 200; tries += 1) {
      if (tries === TRIES) throw new Error('ingest acknowledges nothing');
      await sleep(250);
    }
    posted.push({ messageId, atMs, ms: Date.now() - atMs });
    await sleep(50);
  }
  return posted;
}

const lagsOf = ({ server }: MisbehavingReceiver, posted: readonly Posted[]) =>
  posted.map(({ messageId, atMs }) => {
    const received = server.received.find(({ body }) => JSON.parse(body).data.messageId === messageId);
    return (received?.atMs ?? Number.NaN) - atMs;
  });

const latency = (ms: readonly number[]) => `${median(ms)} ms (median), ${quantile(ms, 0.99)} ms (p99)`;

async function until(isDone: () => boolean, what: string): Promise<void> {
  for (const endMs = Date.now() + 60_000; !isDone(); await sleep(100)) {
    if (Date.now() > endMs) throw new Error(`${what} has not received everything`);
  }
}

interface Ledger {
  readonly published: number;
  readonly acknowledged: number;
  readonly waiting: number;
  readonly dead: number;
  readonly unaccounted: number;
}

/** Waits until no delivery is waiting; returns the ledger of each receiver. */
async function drained({ apiUrl, apiToken }: ReadyLine, count: number, events: number): Promise<Ledger[]> {
  for (const endMs = Date.now() + DRAIN_WITHIN_MS; ; await sleep(2000)) {
    const response = await fetch(`${apiUrl}/mailgun/receivers`, { headers: { authorization: `Bearer ${apiToken}` } });
    const { receivers } = (await response.json()) as { receivers: readonly { ledger: Ledger }[] };
    const ledgers = receivers.slice(0, count).map(({ ledger }) => ledger);
    const isOver = ledgers.every(({ published, waiting }) => published >= events && waiting === 0);
    if (isOver || Date.now() > endMs) return ledgers;
  }
}

/** Returns how often each outcome occurred among the attempts at a receiver. */
async function outcomesOf({ apiUrl, apiToken }: ReadyLine, nth: number): Promise<Map<string, number>> {
  const get = async (path: string) => {
    const response = await fetch(`${apiUrl}/mailgun/receivers${path}`, {
      headers: { authorization: `Bearer ${apiToken}` },
    });
    return (await response.json()) as never;
  };
  const { receivers }: { receivers: readonly { name: string }[] } = await get('');
  const outcomes = new Map<string, number>();
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: DeliveriesPage = await get(`/${receivers[nth]?.name}/deliveries?limit=100${cursor}`);
    for (const { status, error } of page.deliveries.flatMap(({ attempts }) => attempts)) {
      const outcome = String(status ?? error);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    cursor = page.next === null ? null : `&cursor=${encodeURIComponent(page.next)}`;
  }
  return outcomes;
}

interface DeliveriesPage {
  readonly deliveries: readonly {
    readonly attempts: readonly { readonly status?: number; readonly error?: string }[];
  }[];
  readonly next: string | null;
}

/** Returns the message ids in each receiver's DLQ. */
async function deadOf({ webhookUrl }: ReadyLine): Promise<Set<string>[]> {
  const { clients, output } = await openDeployment({ kind: 'local', port: Number(new URL(webhookUrl).port) });
  const dead: Set<string>[] = [];
  for (const { deadLettersUrl: QueueUrl } of JSON.parse(output('Receivers')) as { deadLettersUrl: string }[]) {
    const ids = new Set<string>();
    for (let empty = 0; empty < 3; ) {
      const received = await clients.queues.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      const { Messages = [] } = received;
      empty = Messages.length === 0 ? empty + 1 : 0;
      for (const { Body = '' } of Messages) ids.add(JSON.parse(Body).detail.messageId);
    }
    dead.push(ids);
  }
  return dead;
}
