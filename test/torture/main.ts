import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { ReadyLine } from '../../tools/local-ledger/ready-line.ts';
import { type InjectedFaults, injectFaults } from './inject-faults.ts';
import { startMisbehaving, tortureReceivers } from './receivers.ts';
import { brokenPromises, type Report, torture } from './torture.ts';

const CHANGING_NAMES = new URL('changing-names.ts', import.meta.url).href;
const HELP = `npm run torture -- [--events N] [--seed S] [--receivers]

Posts N events (5000) to a local stack while its functions are killed and their calls to
DynamoDB, SQS and Secrets Manager fail in every way; then reads everything back.
With --receivers it posts N events (120) to a stack with receivers that misbehave, kills publish and deliver too,
and holds the delivery ledger against what the receivers received; takes about four minutes.
Exit code 0: nothing acknowledged is lost, nothing unexpected is stored, no effect doubled.
The seed (1) fixes the events and the order of faults, not the timing.`;

const { values } = parseArgs({
  options: {
    events: { type: 'string' },
    receivers: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const events = wholeNumber('--events', values.events ?? (values.receivers ? '120' : '5000'));
const seed = wholeNumber('--seed', values.seed);

const receivers = values.receivers ? await startMisbehaving() : [];
const receiverFlags = receivers.slice(0, -1).flatMap(({ server }) => ['--receiver', server.url]);
const flags = ['--json', '--no-traffic', '--port', '0', ...receiverFlags];
const stack = spawn(process.execPath, ['tools/local-ledger/main.ts', ...flags], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, ...(values.receivers && { LOCAL_STACK_IMPORT: CHANGING_NAMES }) },
});
try {
  const ready = await readyLine();
  console.log(`torture: ${events} events, seed ${seed}`);
  const say = (line: string) => console.log(`  ${line}`);
  if (values.receivers) {
    const broken = await tortureReceivers(ready, receivers, { events, seed, say });
    for (const line of broken.slice(0, 20)) console.log(`  ${line}`);
    process.exitCode = broken.length === 0 ? 0 : 1;
  } else await tortureRequestPath(ready, say);
} finally {
  stack.kill('SIGTERM');
  if (stack.exitCode === null) await once(stack, 'exit');
  await Promise.all(receivers.map(({ server }) => server.close()));
}

async function tortureRequestPath(ready: ReadyLine, say: (line: string) => void): Promise<void> {
  const report = await torture(ready, { events, seed, weather: injectFaults, say });
  printTable(report);
  const broken = brokenPromises(report);
  for (const line of broken.slice(0, 20)) console.log(`  ${line}`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

function printTable({ result, wrongStatuses, deadLetters, traffic, weather }: Report<InjectedFaults>): void {
  const rows: [string, number | string][] = [
    ['attempted', result.attempted],
    ['acknowledged', result.acknowledged],
    ['stored', result.stored],
    ['lost', result.lost.length],
    ['unexpected', result.unexpected.length],
    ['doubled', result.doubled.length],
    ['recovered', result.recovered.length],
    ['wrong statuses', wrongStatuses.length],
    ['dead letters', deadLetters],
    ['kills', weather.kills],
    ['spells of faults', weather.spells],
    ['forged replays', traffic.replays],
    ['responses', [...traffic.statusCodes].map(([code, times]) => `${code} x ${times}`).join(', ')],
  ];
  for (const [name, value] of rows) console.log(`  ${name.padEnd(17)} ${value}`);
}

async function readyLine(): Promise<ReadyLine> {
  for await (const line of createInterface({ input: stack.stdout })) {
    const parsed = JSON.parse(line) as { event: string };
    if (parsed.event !== 'ready') continue;
    stack.stdout.resume();
    return parsed as ReadyLine;
  }
  throw new Error('the local stack ended before it was ready');
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`${flag} must be a whole number above 0, not "${text}"`);
  process.exit(2);
}
