import { setTimeout as sleep } from 'node:timers/promises';
import { type ReceiverServer, startReceiver } from '../../test/support/doubles/receiver-server.ts';
import { deliveredEvent } from '../../test/support/fixtures/webhooks.ts';
import { startTestStack } from '../../test/support/stacks/local-stack.ts';
import type { LocalStack } from '../local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../local-ledger/options/reconcile-choice.ts';
import { usageBetween } from './functions/handler-cpu.ts';
import { type BoxFigures, processOf } from './pipeline.ts';
import { quantile } from './statistics.ts';
import { signedWebhook } from './webhooks.ts';

/** Milliseconds. */
interface Latency {
  readonly median: number;
  readonly p99: number;
}

/** Measurements while events are posted at an even pace. */
interface Calm {
  /** Until ingest responded. */
  readonly ingest: Latency;
  /** From the post until a receiver that responds at once got the event. */
  readonly received: Latency;
}

export interface ReceiverFigures {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  readonly events: number;
  readonly perDelivery: Readonly<Record<Box, BoxFigures>>;
  /** Bytes of a request, headers included. */
  readonly bytesPerDelivery: number;
  readonly bothRespond: Calm;
  /** The same while the other receiver never responds. */
  readonly oneHangs: Calm;
}

type Box = 'publish' | 'deliver';

const BOXES = ['publish', 'deliver'] as const;
const EACH_MS = 50;
/** Requests a second to a receiver: sets its pace and batch size. */
export const BENCH_RATE = 10;

/** Posts events to a stack with two receivers that respond at once, then as many while one of them never responds. */
export async function measureReceivers(
  events: number,
  say: (line: string) => void,
): Promise<Omit<ReceiverFigures, 'command' | 'date' | 'machine'>> {
  const [steady, other] = await Promise.all([startReceiver(), startReceiver()]);
  const stack = await startTestStack({
    reconcile: { ...USUAL_RECONCILE, everySeconds: 3600 },
    publish: { recipients: true },
    receivers: [steady.url, other.url],
  });
  const calmOf = (posted: readonly Posted[]): Calm => ({
    ingest: latencyOf(posted.map(({ ms }) => ms)),
    received: latencyOf(lagsOf(steady, posted)),
  });
  try {
    const before = await snapshot(stack);
    const together = await post(stack, 0, events);
    await acknowledged(stack, [events, events]);
    const after = await snapshot(stack);
    say(`${events} events delivered to two receivers, and noted`);
    const bytesPerDelivery = bytesOf(steady) / steady.received.length;
    const figuresOf = (box: Box): BoxFigures => {
      const { calls, capacity } = usageBetween(before[box].usage, after[box].usage, 2 * events);
      const cpuMs = (after[box].cpuMs - before[box].cpuMs) / (2 * events);
      return { calls, writeUnits: capacity.write, readUnits: capacity.read, cpuMs };
    };
    const perDelivery = { publish: figuresOf('publish'), deliver: figuresOf('deliver') };
    other.respond(() => {});
    const beside = await post(stack, events, 2 * events);
    await acknowledged(stack, [2 * events, events]);
    say(`${events} more delivered to one while the other hangs`);
    return {
      events,
      perDelivery,
      bytesPerDelivery,
      bothRespond: calmOf(together),
      oneHangs: calmOf(beside),
    };
  } finally {
    await stack.stop();
    await Promise.all([steady.close(), other.close()]);
  }
}

interface Posted {
  readonly id: string;
  readonly atMs: number;
  readonly ms: number;
}

async function post({ ready }: LocalStack, from: number, to: number): Promise<Posted[]> {
  const posted: Promise<Posted>[] = [];
  for (let nth = from; nth < to; nth += 1) {
    const id = `bench-${nth}`;
    const message = { headers: { 'message-id': `${id}@mg.example.com` } };
    const { headers, body } = signedWebhook(deliveredEvent({ id, timestamp: Date.now() / 1000, message }) as never);
    const atMs = Date.now();
    const ended = fetch(ready.webhookUrl, { method: 'POST', headers, body }).then(async (response) => {
      if (response.status !== 200) throw new Error(`ingest returned ${response.status}`);
      await response.arrayBuffer();
      return { id: `${id}@mg.example.com`, atMs, ms: Date.now() - atMs };
    });
    posted.push(ended);
    await sleep(EACH_MS);
  }
  return Promise.all(posted);
}

/** Waits until the ledger reports this number of acknowledged events for each receiver. */
async function acknowledged({ ready }: LocalStack, events: readonly number[]): Promise<void> {
  const headers = { authorization: `Bearer ${ready.apiToken}` };
  for (; ; await sleep(200)) {
    const response = await fetch(`${ready.apiUrl}/mailgun/receivers`, { headers });
    const { receivers } = (await response.json()) as { receivers: readonly { ledger: { acknowledged: number } }[] };
    if (receivers.every(({ ledger }, nth) => ledger.acknowledged >= (events[nth] ?? 0))) return;
  }
}

async function snapshot(stack: LocalStack) {
  const { byCaller, processes } = await stack.stats();
  const of = (box: Box) => ({
    usage: byCaller[box] ?? { calls: {}, capacity: { read: 0, write: 0 } },
    ...processOf(processes[box] ?? 0),
  });
  return { publish: of(BOXES[0]), deliver: of(BOXES[1]) };
}

const latencyOf = (ms: readonly number[]): Latency => ({ median: quantile(ms, 0.5), p99: quantile(ms, 0.99) });

function lagsOf({ received }: ReceiverServer, posted: readonly Posted[]): number[] {
  const first = new Map(received.toReversed().map(({ body, atMs }) => [JSON.parse(body).data.messageId, atMs]));
  return posted.map(({ id, atMs }) => (first.get(id) ?? Number.NaN) - atMs);
}

const bytesOf = ({ received }: ReceiverServer) =>
  received.reduce((sum, { headers, body }) => sum + Buffer.byteLength(body) + JSON.stringify(headers).length, 0);
