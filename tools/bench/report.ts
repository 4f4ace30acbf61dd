import { PRICES } from '../../cli/planning/prices.ts';
import {
  BASELINE,
  type BillLine,
  baselineByItemSize,
  type Costs,
  costsOf,
  costsOfDelivery,
  MONTH_DAYS,
  sum,
} from './dollars.ts';
import type { CpuFigures, HandlerFigures } from './functions/handler-cpu.ts';
import type { ImportFigures } from './functions/import-time.ts';
import type { CampaignReportFigures, CampaignReports } from './ledger/campaign-reports.ts';
import type { LargeSliceComparison, LargeSlices } from './ledger/large-slices.ts';
import type { SliceCost } from './ledger/reconciliation.ts';
import type { SealingFigures, Sealings } from './ledger/sealing.ts';
import type { Storage } from './ledger/storage.ts';
import type { BoxFigures, PipelineFigures } from './pipeline.ts';
import { BENCH_RATE, type ReceiverFigures } from './receivers.ts';
import { compare, type LocalRun, offBy, TOLERANCE } from './simulation/comparison.ts';
import { exponent, type Spread } from './statistics.ts';
import { EVENTS_PER_MESSAGE, TRAFFIC_MIX } from './traffic-mix.ts';

export interface Results {
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  readonly imports: ImportFigures;
  readonly handlers: CpuFigures;
  readonly pipeline: PipelineFigures;
  readonly reconciliation: readonly SliceCost[];
  /** Measured separately; the same on every machine. */
  readonly storage: Storage;
  readonly sealing: Sealings;
  /** Measured separately, like large slices. */
  readonly receivers?: ReceiverFigures;
  /** Measured separately: only its ratios matter. */
  readonly largeSlices?: LargeSlices;
  readonly campaignReports?: CampaignReports;
  readonly simulation?: LocalRun & { readonly command: string; readonly date: string; readonly machine: string };
}

interface Target {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

export type ReportRow = readonly string[];

/** The slice size that targets refer to. */
const SEALED_EVENTS = 100_000;

const fixed = (value: number, digits = 2) => value.toFixed(digits);
const spread = ({ median, least, most }: Spread) => `${fixed(median)} (${fixed(least)} to ${fixed(most)})`;
const whole = (value: number) => Math.round(value).toLocaleString('en-US');
const callsOf = ({ calls }: BoxFigures, name: string) => calls[name] ?? 0;

/** Returns true if no target is missed. */
export const meetsEveryTarget = (results: Results): boolean => targetsOf(results).every(({ met }) => met);

/** Returns the targets for cost and speed with the measured values. */
export function targetsOf(results: Results): Target[] {
  const { handlers, imports, pipeline, reconciliation, sealing } = results;
  const costs = costsOf(results);
  const { ingest, process } = pipeline.perWebhook;
  const { handlers: taken } = handlers;
  const dollars = sum(costs.requestPath);
  const writes = ingest.writeUnits + process.writeUnits;
  const ingestWrites = callsOf(ingest, 'dynamodb.PutItem') + callsOf(ingest, 'dynamodb.UpdateItem');
  const sends = callsOf(ingest, 'sqs.SendMessage');
  const memory = growthOfSlices(reconciliation).memory;
  const archived = sumAtBaseline(costs)?.archivedDollars ?? Number.NaN;
  const archivedShare = archived / BASELINE.dollars;
  const byOneRuler = archived / baselineByItemSize(costs);
  const sealed = sealing.slices.find(({ events }) => events === SEALED_EVENTS);
  return [
    target('dollars for a million webhooks', 'at most 5.00', fixed(dollars), dollars <= 5),
    target(
      'table writes and sends of ingest',
      '1 and 1',
      `${fixed(ingestWrites)} and ${fixed(sends)}`,
      ingestWrites === 1 && sends === 1,
    ),
    target('write units of a webhook', 'at most 4.5', fixed(writes), writes <= 4.5),
    target(
      'processor time of ingest against the floor',
      'at most 1.3',
      spread(handlers.ingestToFloor),
      handlers.ingestToFloor.median <= 1.3,
    ),
    target(
      'import of ingest against its clients alone',
      'at most 1.15',
      spread(imports.ingestToSdk),
      imports.ingestToSdk.median <= 1.15,
    ),
    target(
      'processor time of ingest against Powertools',
      'below 1',
      spread(handlers.ingestToPowertools),
      handlers.ingestToPowertools.median < 1,
    ),
    target(
      'import of ingest against Powertools, bundled as usual',
      'below 1',
      spread(imports.ingestToPowertoolsWhole),
      imports.ingestToPowertoolsWhole.median < 1,
    ),
    target(
      'the same, bundled as this stack does: nearly all is SDK',
      'level: at most 1.05',
      spread(imports.ingestToPowertools),
      imports.ingestToPowertools.median <= 1.05,
    ),
    target(
      'write units of ingest against Powertools',
      'below 1',
      `${fixed(taken.ingest.writeUnits)} to ${fixed(taken.powertools.writeUnits)}`,
      taken.ingest.writeUnits < taken.powertools.writeUnits,
    ),
    target(
      'webhooks lost or doubled',
      '0',
      String(Math.abs(pipeline.posted - pipeline.stored)),
      pipeline.posted === pipeline.stored,
    ),
    target('memory of reconcile, exponent', 'flat: at most 0.25', fixed(memory), memory <= 0.25),
    target(
      `the bill at ${BASELINE.millionsPerMonth} million a month, with archive, against the bill that ${BASELINE.commit} printed`,
      'at most 0.55',
      `${fixed(archivedShare)}; ${fixed(byOneRuler)} of its bill by AWS's bytes`,
      archivedShare <= 0.55,
    ),
    ...(sealed === undefined ? [] : sealingTargets(sealed)),
  ];
}

function sealingTargets({ cpuSeconds, peakMebibytes, bytesPerEvent }: SealingFigures): Target[] {
  const of = `${whole(SEALED_EVENTS)} events`;
  return [
    target('bytes of an event in the archive', 'at most 250', whole(bytesPerEvent), bytesPerEvent <= 250),
    target(`sealing a slice of ${of}, one core`, 'at most 20 s', `${fixed(cpuSeconds, 1)} s`, cpuSeconds <= 20),
    target('the same, memory', 'at most 300 MiB', `${whole(peakMebibytes)} MiB`, peakMebibytes <= 300),
  ];
}

const sumAtBaseline = ({ sums }: Costs) =>
  sums.find(({ millionsPerMonth }) => millionsPerMonth === BASELINE.millionsPerMonth);

function target(what: string, wanted: string, measured: string, met: boolean): Target {
  return { what, target: wanted, measured, met };
}

function growthOfPipeline({ checkpoints }: PipelineFigures) {
  const of = (value: (point: PipelineFigures['checkpoints'][number]) => number) =>
    exponent(checkpoints.map((point) => [point.events, value(point)]));
  return {
    time: of(({ seconds }) => seconds),
    calls: of(({ calls }) => calls),
    ingestMemory: of(({ megabytes }) => megabytes.ingest),
    processMemory: of(({ megabytes }) => megabytes.process),
  };
}

function growthOfSlices(slices: readonly SliceCost[]) {
  const of = (value: (slice: SliceCost) => number) => exponent(slices.map((slice) => [slice.events, value(slice)]));
  return {
    time: of(({ seconds }) => seconds),
    calls: of(({ mailgunCalls }) => mailgunCalls),
    memory: of(({ megabytes }) => megabytes),
  };
}

interface Section {
  readonly title: string;
  readonly about?: string;
  readonly head: ReportRow;
  readonly rows: readonly ReportRow[];
}

/** Returns every table; dollars are computed from the counts, the prices and the template. */
export function sections(results: Results): Section[] {
  const { handlers, imports, pipeline, reconciliation, storage, largeSlices, campaignReports } = results;
  const { perWebhook, checkpoints } = pipeline;
  const costs = costsOf(results);
  const growth = growthOfPipeline(pipeline);
  const slices = growthOfSlices(reconciliation);
  const last = checkpoints.at(-1);
  return [
    {
      title: 'Targets',
      head: ['what', 'target', 'measured', 'met'],
      rows: targetsOf(results).map(({ what, target, measured, met }) => [what, target, measured, met ? 'yes' : 'NO']),
    },
    bill(
      'A million webhooks, publishing off',
      costs.requestPath,
      `Dollars by the list prices of ${PRICES.region}, ${PRICES.date}. Function time is processor time at ${costs.functionMegabytes} MB and 5 ms a call, which is assumed. Batches of ${fixed(pipeline.batchSize, 1)}.`,
    ),
    bill(
      'A million webhooks, kept for a month in the table',
      costs.keeping,
      `Written by \`${storage.command}\` on ${storage.date}: ${storage.machine}. Counted over ${whole(storage.webhooks)} webhooks by the rules in AWS's manual: names and values, 100 bytes more for each item and index entry, and in indexes keys only; point-in-time recovery is billed by items alone. Claims stay for a day.`,
    ),
    bill('A million webhooks, reconciled in two passes', costs.reconciliation),
    bill('A million webhooks, sealed', costs.sealing),
    bill('A million webhooks, kept for a month in the archive', costs.archive),
    bill('A million webhooks, published', costs.publishing, 'One event for every change of a status.'),
    bill('An environment, each month', costs.fixed),
    bill('Its archive, each month', costs.fixedArchive, 'One sending domain; slices of 15 minutes.'),
    allTogether(costs),
    sealingSection(results.sealing),
    {
      title: 'Calls and units of one webhook',
      head: ['', 'ingest', 'process'],
      rows: [
        ...[...new Set([...Object.keys(perWebhook.ingest.calls), ...Object.keys(perWebhook.process.calls)])].map(
          (name) => [name, fixed(callsOf(perWebhook.ingest, name), 3), fixed(callsOf(perWebhook.process, name), 3)],
        ),
        ['write units', fixed(perWebhook.ingest.writeUnits, 3), fixed(perWebhook.process.writeUnits, 3)],
        ['read units', fixed(perWebhook.ingest.readUnits, 3), fixed(perWebhook.process.readUnits, 3)],
        ['processor, ms', fixed(perWebhook.ingest.cpuMs), fixed(perWebhook.process.cpuMs)],
      ],
    },
    {
      title: 'Handlers in turns',
      about: `${handlers.rounds} rounds of ${handlers.webhooksPerRound} webhooks each; ratios as their median, with the least and the most of a round. Ingest to floor ${spread(handlers.ingestToFloor)}, to Powertools ${spread(handlers.ingestToPowertools)}.`,
      head: ['', 'processor, ms', 'write units', 'calls'],
      rows: (['ingest', 'floor', 'powertools'] as const).map((name) => handlerRow(name, handlers.handlers[name])),
    },
    {
      title: 'Bundles',
      about: `Loaded by ${imports.rounds} new processes each, in turns. Ingest to its clients alone ${spread(imports.ingestToSdk)}, to Powertools ${spread(imports.ingestToPowertools)}, to Powertools with packages whole ${spread(imports.ingestToPowertoolsWhole)}, by processor time.`,
      head: ['', 'bytes', 'ms to load', 'processor, ms'],
      rows: Object.entries(imports.bundles).map(([name, { bytes, ms, cpuMs }]) => [
        name,
        whole(bytes),
        fixed(ms, 0),
        fixed(cpuMs, 0),
      ]),
    },
    {
      title: 'Growth on the local stack',
      about: `Fitted exponents: time ${fixed(growth.time)}, calls ${fixed(growth.calls)}, memory of ingest ${fixed(growth.ingestMemory)}, of process ${fixed(growth.processMemory)}. The engines share the machine and bound the pace. At ${1000 / 50} webhooks a second an event was shown by the read API ${fixed(pipeline.secondsToShown.p50)} s after its 200 (p90 ${fixed(pipeline.secondsToShown.p90)} s, p99 ${fixed(pipeline.secondsToShown.p99)} s), most of it the batching window of 1 s.`,
      head: ['webhooks', 'seconds', 'webhooks a second', 'calls', 'ingest, MiB', 'process, MiB'],
      rows: checkpoints.map(({ events, seconds, calls, megabytes }) => [
        whole(events),
        fixed(seconds, 1),
        fixed(events / seconds, 0),
        whole(calls),
        fixed(megabytes.ingest, 0),
        fixed(megabytes.process, 0),
      ]),
    },
    {
      title: 'Reconciliation of one slice',
      about: `One pass over a slice that lacks nothing. Memory is resident, garbage included. Fitted exponents: time ${fixed(slices.time)}, calls of Mailgun's API ${fixed(slices.calls)}, memory ${fixed(slices.memory)}. A million events more in large slices: ${whole(perMillionOf(reconciliation))} calls of Mailgun's API in one pass.`,
      head: ['events', "calls of Mailgun's API", 'calls of the table', 'read units', 'write units', 'seconds', 'MiB'],
      rows: reconciliation.map((slice) => [
        whole(slice.events),
        whole(slice.mailgunCalls),
        whole(slice.tableCalls),
        fixed(slice.readUnits, 1),
        fixed(slice.writeUnits, 1),
        fixed(slice.seconds, 1),
        fixed(slice.megabytes, 0),
      ]),
    },
    ...(results.receivers === undefined ? [] : receiversSections(results.receivers)),
    ...(largeSlices === undefined ? [] : [largeSlicesSection(largeSlices)]),
    ...(campaignReports === undefined ? [] : [campaignSection(campaignReports)]),
    ...(results.simulation === undefined ? [] : [simulationSection(results.simulation)]),
    {
      title: 'The mail',
      about: `${fixed(EVENTS_PER_MESSAGE)} events a message: ${TRAFFIC_MIX}. ${whole(last?.events ?? 0)} posted.`,
      head: [],
      rows: [],
    },
  ];
}

function allTogether(costs: Costs): Section {
  const { tableOnly, archived } = costs.keptDays;
  const atBaseline = sumAtBaseline(costs);
  const bySize = baselineByItemSize(costs);
  const share = (dollars = Number.NaN) => `${fixed(dollars / BASELINE.dollars)} (${fixed(dollars / bySize)})`;
  return {
    title: 'All together, each month',
    about: `A history of ${archived.statuses} days (${fixed(archived.statuses / MONTH_DAYS, 1)} months' worth), reconciled, publishing apart. In the table events stay for ${tableOnly.events} days without the archive and for ${archived.events} with it, statuses for ${archived.statuses}. The archive can also stand in for point-in-time recovery (\`table.pointInTimeRecovery: false\`): \`replay --from-archive\` restores what is sealed. At ${BASELINE.millionsPerMonth} million ${BASELINE.commit} cost ${fixed(BASELINE.dollars)} dollars as its engine counted bytes, which is what the target names, and ${fixed(bySize)} as AWS bills them; with the archive it is ${share(atBaseline?.archivedDollars)} of the former (of the latter), without point-in-time recovery ${share(atBaseline?.unbackedDollars)}.`,
    head: ['million webhooks a month', 'table alone', 'with archive', 'without point-in-time recovery', 'publishing'],
    rows: costs.sums.map((each) => [
      whole(each.millionsPerMonth),
      ...[each.dollarsPerMonth, each.archivedDollars, each.unbackedDollars, each.publishingDollars].map((dollars) =>
        fixed(dollars),
      ),
    ]),
  };
}

function sealingSection({ command, date, machine, slices }: Sealings): Section {
  return {
    title: 'Sealing one slice',
    about: `Written by \`${command}\` on ${date}: ${machine}. Rows, Merkle tree and Parquet; table and bucket respond at once.`,
    head: ['events', 'one core, s', 'seconds', 'MiB', 'bytes an event'],
    rows: slices.map(({ events, cpuSeconds, seconds, peakMebibytes, bytesPerEvent }) => [
      whole(events),
      fixed(cpuSeconds, 1),
      fixed(seconds, 1),
      fixed(peakMebibytes, 0),
      whole(bytesPerEvent),
    ]),
  };
}

function receiversSections(figures: ReceiverFigures): Section[] {
  const { command, date, machine, events, perDelivery, bothRespond, oneHangs } = figures;
  const { publish, deliver } = perDelivery;
  const names = [...new Set([...Object.keys(publish.calls), ...Object.keys(deliver.calls)])];
  return [
    bill(
      'A million deliveries to one receiver',
      costsOfDelivery(figures),
      `Beside the published events, of which each costs once however many receivers get it. Written by \`${command}\` on ${date}: ${machine}. Function time is that of a receiver of ${BENCH_RATE} requests a second that responds within its pace; every delivery is acknowledged at once.`,
    ),
    {
      title: 'Calls and units of one delivery',
      head: ['', 'publish', 'deliver'],
      rows: [
        ...names.map((name) => [name, fixed(callsOf(publish, name), 3), fixed(callsOf(deliver, name), 3)]),
        ['write units', fixed(publish.writeUnits, 3), fixed(deliver.writeUnits, 3)],
        ['read units', fixed(publish.readUnits, 3), fixed(deliver.readUnits, 3)],
        ['processor, ms', fixed(publish.cpuMs), fixed(deliver.cpuMs)],
      ],
    },
    {
      title: 'Beside a receiver that hangs',
      about: `${whole(events)} events at 20 a second to a stack with two receivers that respond at once, then as many while one of them never responds. Milliseconds, median and 99th percentile, with the batching window of 1 s in what is heard; what else the machine had to do is in both, so only a second row that is far slower would say something.`,
      head: ['', 'ingest responded', 'p99', 'the receiver got it', 'p99'],
      rows: Object.entries({ 'both respond': bothRespond, 'the other hangs': oneHangs }).map(([name, calm]) => [
        name,
        ...[calm.ingest, calm.received].flatMap(({ median, p99 }) => [whole(median), whole(p99)]),
      ]),
    },
  ];
}

function largeSlicesSection({ command, date, machine, against, slices }: LargeSlices): Section {
  const compared = against === undefined ? '' : ` The ratios are to ${against}.`;
  const ratio = ({ now, before }: LargeSliceComparison, name: 'seconds' | 'mailgunCalls' | 'megabytes') =>
    before === undefined ? '-' : fixed(now[name] / before[name]);
  return {
    title: 'Large slices',
    about: `Written by \`${command}\` on ${date}: ${machine}. One slice, all of whose events are stored, reconciled in memory in runs of 15 minutes while every page of the listing takes 500 ms; MiB beside the events themselves.${compared}`,
    head: ['events', 'runs', 'seconds', 'ratio', "calls of Mailgun's API", 'ratio', 'MiB', 'ratio'],
    rows: slices.map((slice) => [
      whole(slice.now.events),
      whole(slice.now.runs),
      fixed(slice.now.seconds, 1),
      ratio(slice, 'seconds'),
      whole(slice.now.mailgunCalls),
      ratio(slice, 'mailgunCalls'),
      fixed(slice.now.megabytes, 0),
      ratio(slice, 'megabytes'),
    ]),
  };
}

function campaignSection({ command, date, machine, table, archive }: CampaignReports): Section {
  const rowOf = (name: string, figures: CampaignReportFigures): ReportRow => [
    ...[
      name,
      whole(figures.events),
      fixed(figures.cpuSeconds, 1),
      fixed(figures.megabytes, 0),
      whole(figures.readUnits),
    ],
    ...[whole(figures.objects), fixed(figures.dollars * 100, 1)],
  ];
  return {
    title: 'The report of a campaign',
    about: `Written by \`${command}\` on ${date}: ${machine}. Each of its mails accepted, delivered and opened; processor seconds, where table and objects respond at once; MiB are all that the process held.`,
    head: ['read from', 'events', 'processor, s', 'MiB', 'read units', 'objects', 'cents'],
    rows: [...table.map((each) => rowOf('table', each)), ...archive.map((each) => rowOf('archive', each))],
  };
}

/** Returns Mailgun API calls per million events, from the difference between two slice sizes. */
function perMillionOf(slices: readonly SliceCost[]): number {
  const [small, large] = [slices.at(0), slices.at(-1)];
  if (small === undefined || large === undefined || small === large) return Number.NaN;
  return ((large.mailgunCalls - small.mailgunCalls) / (large.events - small.events)) * 1e6;
}

function simulationSection({ command, date, machine, ...run }: NonNullable<Results['simulation']>): Section {
  return {
    title: 'The simulation beside the local stack',
    about: `Written by \`${command}\` on ${date}: ${machine}. Twice the load that the gateway admits, rates scaled down, as measured and as the simulation of [scale](../scale.md) says; it may be off by ${100 * TOLERANCE} %.`,
    head: ['', 'measured', 'simulated', 'off by'],
    rows: compare(run).map((row) => [
      row.what,
      whole(row.measured),
      whole(row.simulated),
      `${fixed(100 * offBy(row), 1)} %`,
    ]),
  };
}

function handlerRow(name: string, { cpuMs, writeUnits, calls }: HandlerFigures): ReportRow {
  const named = Object.entries(calls).map(([call, times]) => `${call} ${fixed(times, 0)}`);
  return [name, fixed(cpuMs), fixed(writeUnits, 1), named.join(', ')];
}

/** Returns the lines of a bill and their sum. */
function bill(title: string, lines: readonly BillLine[], about?: string): Section {
  const priced = (dollars: number) => fixed(dollars, dollars < 0.1 ? 4 : 2);
  const rows = lines.map(({ what, amount, dollars }) => [what, amount, priced(dollars)]);
  return {
    title,
    ...(about !== undefined && { about }),
    head: ['what', 'amount', 'dollars'],
    rows: [...rows, ['together', '', priced(sum(lines))]],
  };
}

/** Returns the tables as plain text. */
export function plainTable(results: Results): string {
  return sections(results)
    .map(({ title, about, head, rows }) => {
      const all = head.length === 0 ? rows : [head, ...rows];
      const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
      const lines = all.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`);
      return ['', title, ...(about === undefined ? [] : [`  ${about}`]), ...lines.map((line) => line.trimEnd())].join(
        '\n',
      );
    })
    .join('\n');
}
