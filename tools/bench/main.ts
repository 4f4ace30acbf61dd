import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bundles, makeBundles } from './functions/bundles.ts';
import { measureHandlers } from './functions/handler-cpu.ts';
import { measureImports } from './functions/import-time.ts';
import { measureCampaignReports } from './ledger/campaign-reports.ts';
import { measureLargeSlices } from './ledger/large-slices.ts';
import { measureReconciliation } from './ledger/reconciliation.ts';
import { measureSealings } from './ledger/sealing.ts';
import { measureStorage } from './ledger/storage.ts';
import { writeResults, writtenResults } from './page.ts';
import { measurePipeline } from './pipeline.ts';
import { measureReceivers } from './receivers.ts';
import { meetsEveryTarget, plainTable, type Results } from './report.ts';
import { areWithinTolerance, compare, comparisonText } from './simulation/comparison.ts';
import { measureLocalStack } from './simulation/local-run.ts';

const HELP = `npm run bench [-- --events N] [--only PART] [--write]

Measures what a webhook costs: calls, units and dollars; processor time and import time against
the least that is possible and against Powertools; throughput and growth on the local stack;
what reconciliation reads. Takes about half an hour at its 100,000 events, and wants the machine
to itself.

  --events N   the most webhooks posted, and the largest slice reconciled (100000), from 10000
  --only PART  measures imports, handlers, pipeline, reconciliation, receivers, large-slices,
               campaign-reports, storage or sealing again; the other parts come from
               tools/bench/results.json;
               simulation compares the simulation of docs/scale.md with the local stack, at rates
               scaled down
  --against COMMIT  measures large slices by the sources of this commit too, side by side
  --write      writes tools/bench/results.json and docs/generated/benchmarks.md

Exit code 0: every target of the table is met; the simulation is off by at most 15 %.`;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    only: { type: 'string' },
    against: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const events = Number(values.events);
if (!Number.isSafeInteger(events) || events < 10_000) {
  console.error(`--events must be a whole number from 10000, not "${values.events}"`);
  process.exit(2);
}
const PARTS = ['imports', 'handlers', 'pipeline', 'reconciliation'] as const;
const APART = ['receivers', 'large-slices', 'campaign-reports', 'storage', 'sealing', 'simulation'] as const;
const only = [...PARTS, ...APART].find((part) => part === values.only);
if (values.only !== undefined && only === undefined) {
  console.error(`--only must be one of ${[...PARTS, ...APART].join(', ')}, not "${values.only}"`);
  process.exit(2);
}
if (values.against !== undefined && only !== 'large-slices') {
  console.error('--against goes with --only large-slices');
  process.exit(2);
}
const RECEIVED_EVENTS = 400;
const STORED_WEBHOOKS = 10_000;
const written = writtenResults();
const earlier = only && written;
const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}`;
const date = new Date().toISOString().slice(0, 10);
// These are compared only with each other, so they may come from another machine.
const isApart = APART.some((part) => part === only);
if (values.write && earlier !== undefined && !isApart && earlier.machine !== machine) {
  console.error(`tools/bench/results.json comes from another machine (${earlier.machine}): --write all parts together`);
  process.exit(2);
}

if (only === 'simulation') {
  const run = await measureLocalStack((line) => console.log(`  ${line}`));
  const rows = compare(run);
  const command = 'npm run bench -- --only simulation --write';
  if (values.write) writeResults({ ...written, simulation: { command, date, machine, ...run } });
  for (const row of rows) console.log(comparisonText(row));
  process.exit(areWithinTolerance(rows) ? 0 : 1);
}

const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-bench-'));
try {
  const results = await measured(folder);
  if (values.write) writeResults(results);
  console.log(plainTable(results));
  process.exitCode = meetsEveryTarget(results) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

async function measured(bundlesFolder: string): Promise<Results> {
  if (only === 'large-slices') return withLargeSlices(written);
  if (only === 'campaign-reports') return withCampaignReports(written);
  if (only === 'receivers') return withReceivers(written);
  if (only === 'storage') return withStorage(written);
  if (only === 'sealing') return withSealing(written);
  return measure(makeBundles(bundlesFolder));
}

async function measure(bundles: Bundles): Promise<Results> {
  const say = (line: string) => console.log(`  ${line}`);
  const sizes = stepsUpTo(events);
  const part = async <Name extends (typeof PARTS)[number]>(
    name: Name,
    take: () => Results[Name] | Promise<Results[Name]>,
  ): Promise<Results[Name]> => {
    if (earlier !== undefined && only !== name) return earlier[name];
    console.log(`${PARTS.indexOf(name) + 1}/${PARTS.length}  ${name}`);
    return take();
  };
  const imports = await part('imports', () => measureImports(bundles, 61));
  const handlers = await part('handlers', () => measureHandlers(bundles, { rounds: 12, webhooksPerRound: 250 }));
  const pipeline = await part('pipeline', () => measurePipeline(sizes, say));
  const reconciliation = await part('reconciliation', () => {
    const slices = sizes.filter((size) => Number.isInteger(Math.log10(size / 1000)) || size === events);
    return measureReconciliation(slices, say);
  });
  return {
    command: earlier?.command ?? `npm run bench -- --events ${events} --write`,
    date,
    machine,
    imports,
    handlers,
    pipeline,
    reconciliation,
    storage: written.storage,
    sealing: written.sealing,
    ...(written.receivers && { receivers: written.receivers }),
    ...(written.largeSlices && { largeSlices: written.largeSlices }),
    ...(written.campaignReports && { campaignReports: written.campaignReports }),
    ...(written.simulation && { simulation: written.simulation }),
  };
}

/** Returns the results with deliveries to receivers measured again. */
async function withReceivers(results: Results): Promise<Results> {
  const command = 'npm run bench -- --only receivers --write';
  const figures = await measureReceivers(RECEIVED_EVENTS, (line) => console.log(`  ${line}`));
  return { ...results, receivers: { command, date, machine, ...figures } };
}

/** Returns the results with large slices (10,000 events and more) measured again. */
function withLargeSlices(results: Results): Results {
  const { against } = values;
  const command = `npm run bench -- --only large-slices --events ${events}${against ? ` --against ${against}` : ''} --write`;
  const sizes = Array.from({ length: Math.floor(Math.log10(events)) - 3 }, (_, n) => 10 ** (n + 4));
  const slices = measureLargeSlices(sizes, against, (line) => console.log(`  ${line}`));
  return { ...results, largeSlices: { command, date, machine, ...(against && { against }), slices } };
}

/** Returns the results with campaign reports measured again. */
function withCampaignReports(results: Results): Results {
  const command = `npm run bench -- --only campaign-reports --events ${events} --write`;
  const figures = measureCampaignReports([events / 10, events], (line) => console.log(`  ${line}`));
  return { ...results, campaignReports: { command, date, machine, ...figures } };
}

/** Returns the results with stored bytes per webhook counted again. */
async function withStorage(results: Results): Promise<Results> {
  const command = 'npm run bench -- --only storage --write';
  return { ...results, storage: { command, date, machine, ...(await measureStorage(STORED_WEBHOOKS)) } };
}

/** Returns the results with sealing measured again, for slices of 1,000 events and more. */
function withSealing(results: Results): Results {
  const command = `npm run bench -- --only sealing --events ${events} --write`;
  const sizes = Array.from({ length: Math.floor(Math.log10(events)) - 2 }, (_, n) => 10 ** (n + 3));
  const slices = measureSealings(sizes, (line) => console.log(`  ${line}`));
  return { ...results, sealing: { command, date, machine, slices } };
}

/** Returns 1,000, 3,000, 10,000, 30,000 … up to `most`. */
function stepsUpTo(most: number): number[] {
  const steps: number[] = [];
  for (let power = 1000; power < most; power *= 10) steps.push(...[power, 3 * power].filter((step) => step < most));
  return [...steps, most];
}
