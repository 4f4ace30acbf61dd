import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { median, ratios, type Spread } from '../statistics.ts';
import type { Bundles } from './bundles.ts';

const PROBE = `
const [cpu, start] = [process.cpuUsage(), performance.now()];
require(process.argv[1]);
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ ms: performance.now() - start, cpuMs: (user + system) / 1000 }));
`;

/** Environment variables that a bundle needs to load. */
const ENVIRONMENT = {
  NODE_OPTIONS: '--enable-source-maps',
  AWS_REGION: 'us-east-1',
  LEDGER_NAME: 'bench',
  TABLE_NAME: 'bench',
  QUEUE_URL: 'http://127.0.0.1/bench',
  SIGNING_KEYS_SECRET_ARN: 'bench',
  DOMAINS: 'mg.example.com',
  IDEMPOTENCY_TABLE_NAME: 'bench',
};

const NAMES = ['ingest', 'sdkAlone', 'powertools', 'powertoolsWhole'] as const;

export interface ImportFigures {
  readonly rounds: number;
  readonly bundles: Readonly<Record<string, { readonly bytes: number; readonly ms: number; readonly cpuMs: number }>>;
  /** Ratio of the time to load ingest to the time to load only the SDK clients it uses. */
  readonly ingestToSdk: Spread;
  readonly ingestToPowertools: Spread;
  /** The same with packages kept whole, esbuild's default for Node. */
  readonly ingestToPowertoolsWhole: Spread;
}

/** Measures how long new processes take to load each bundle, alternating between them. */
export function measureImports(bundles: Bundles, rounds: number): ImportFigures {
  const names = NAMES;
  const times = Object.fromEntries(names.map((name) => [name, { ms: [] as number[], cpuMs: [] as number[] }]));
  // The first round does not count: it warms the file cache.
  for (let round = -1; round < rounds; round += 1) {
    for (const index of names.keys()) {
      const name = names[(index + round + 1) % names.length] ?? 'ingest';
      const { ms, cpuMs } = load(bundles[name]);
      if (round < 0) continue;
      times[name]?.ms.push(ms);
      times[name]?.cpuMs.push(cpuMs);
    }
  }
  const of = (name: string) => times[name]?.cpuMs ?? [];
  return {
    rounds,
    bundles: Object.fromEntries(
      names.map((name) => [
        name,
        {
          bytes: statSync(bundles[name]).size,
          ms: median(times[name]?.ms ?? []),
          cpuMs: median(times[name]?.cpuMs ?? []),
        },
      ]),
    ),
    ingestToSdk: ratios(of('ingest'), of('sdkAlone')),
    ingestToPowertools: ratios(of('ingest'), of('powertools')),
    ingestToPowertoolsWhole: ratios(of('ingest'), of('powertoolsWhole')),
  };
}

function load(bundle: string): { ms: number; cpuMs: number } {
  return JSON.parse(execFileSync(process.execPath, ['-e', PROBE, bundle], { env: ENVIRONMENT, encoding: 'utf8' }));
}
