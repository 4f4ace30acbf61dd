import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { DOMAIN, KEY } from '../../../test/support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../test/support/stacks/engines.ts';
import type { Usage } from '../../local-stack/aws/usage.ts';
import type { EventData } from '../../mailgun-twin/traffic/event-parts.ts';
import { median, ratios, type Spread } from '../statistics.ts';
import { ordinaryMail } from '../traffic-mix.ts';
import { environmentFor, gatewayEvent } from '../webhooks.ts';
import type { Bundles } from './bundles.ts';
import { type HandlerProcess, startHandler } from './handler-process.ts';

/** One handler; processor time, calls and units are those of one webhook. */
export interface HandlerFigures {
  readonly cpuMs: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly writeUnits: number;
}

export interface CpuFigures {
  readonly rounds: number;
  readonly webhooksPerRound: number;
  readonly handlers: Readonly<Record<HandlerName, HandlerFigures>>;
  readonly ingestToFloor: Spread;
  readonly ingestToPowertools: Spread;
}

type HandlerName = (typeof NAMES)[number];

const NAMES = ['ingest', 'floor', 'powertools'] as const;
const WARM_UP = 400;

/** Measures the CPU time per webhook of ingest and of the handlers it is compared with, alternating between them. */
export async function measureHandlers(
  bundles: Bundles,
  { rounds, webhooksPerRound }: { rounds: number; webhooksPerRound: number },
): Promise<CpuFigures> {
  const engines = await startTestEngines();
  const running = new Map<HandlerName, HandlerProcess>();
  try {
    await engines.putKeys({ current: KEY });
    const environment = {
      ...environmentFor(engines),
      IDEMPOTENCY_TABLE_NAME: await createIdempotencyTable(engines),
    };
    for (const name of NAMES) running.set(name, await startHandler(bundles[name], environment));
    const series = { ingest: newSeries(), floor: newSeries(), powertools: newSeries() };
    const mail = ordinaryMail(Number.POSITIVE_INFINITY, DOMAIN, 1, Date.now);
    const take = (count: number) => Array.from({ length: count }, () => mail.next().value as EventData);

    for (const handler of running.values()) await handOver(handler, take(WARM_UP));
    for (let round = 0; round < rounds; round += 1) {
      const events = take(webhooksPerRound);
      // The handler that runs first in one round runs last in another.
      for (const index of NAMES.keys()) {
        const name = NAMES[(index + round) % NAMES.length] ?? 'ingest';
        const before = engines.usage.total();
        const cpuMicros = await handOver(running.get(name), events);
        series[name].cpuMs.push(cpuMicros / 1000 / webhooksPerRound);
        series[name].usage.push(usageBetween(before, engines.usage.total(), webhooksPerRound));
      }
    }
    const { ingest, floor, powertools } = series;
    return {
      rounds,
      webhooksPerRound,
      handlers: { ingest: figuresOf(ingest), floor: figuresOf(floor), powertools: figuresOf(powertools) },
      ingestToFloor: ratios(ingest.cpuMs, floor.cpuMs),
      ingestToPowertools: ratios(ingest.cpuMs, powertools.cpuMs),
    };
  } finally {
    for (const handler of running.values()) handler.stop();
    await engines.close();
  }
}

/** Creates the table that the Powertools documentation requires. */
async function createIdempotencyTable({ dynamodb }: TestEngines): Promise<string> {
  const TableName = 'idempotency';
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  return TableName;
}

/** Sends webhooks that must be acknowledged; returns the CPU time in microseconds. */
async function handOver(handler: HandlerProcess | undefined, events: readonly EventData[]): Promise<number> {
  const { cpuMicros, returned = [] } = (await handler?.run(events.map(gatewayEvent))) ?? { cpuMicros: 0 };
  const refused = returned.find((response) => (response as { statusCode?: number }).statusCode !== 200);
  if (refused !== undefined || returned.length === 0) throw new Error(`a webhook got ${JSON.stringify(refused)}`);
  return cpuMicros;
}

interface Series {
  readonly cpuMs: number[];
  readonly usage: Usage[];
}

const newSeries = (): Series => ({ cpuMs: [], usage: [] });

/** Returns the calls and units between two meter readings, divided by a count. */
export function usageBetween(before: Usage, after: Usage, among = 1): Usage {
  const calls = Object.entries(after.calls)
    .map(([call, times]) => [call, (times - (before.calls[call] ?? 0)) / among] as const)
    .filter(([, times]) => times > 0);
  const units = (kind: 'read' | 'write') => (after.capacity[kind] - before.capacity[kind]) / among;
  return { calls: Object.fromEntries(calls), capacity: { read: units('read'), write: units('write') } };
}

function figuresOf({ cpuMs, usage }: Series): HandlerFigures {
  const names = [...new Set(usage.flatMap(({ calls }) => Object.keys(calls)))];
  return {
    cpuMs: median(cpuMs),
    calls: Object.fromEntries(names.map((name) => [name, median(usage.map(({ calls }) => calls[name] ?? 0))])),
    writeUnits: median(usage.map(({ capacity }) => capacity.write)),
  };
}
