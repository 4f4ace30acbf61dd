import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createRandom } from '../../local/mailgun-twin/random.ts';
import type { ReadyInfo } from '../../local/ready.ts';
import { clearFaults, control, makeMischief } from './chaos.ts';
import { checkHistory } from './history.ts';
import { readBack } from './read-back.ts';
import { sendTraffic } from './traffic.ts';

const HELP = `npm run torture -- [--events N] [--seed S]

Posts N events (5000) to a local stack while its functions are killed and their calls to
DynamoDB, SQS and Secrets Manager fail in every way; then reads everything back.
Exit code 0: nothing acknowledged is lost, nothing unexpected is stored, no effect doubled.
The seed (1) fixes the events and the order of mischief, not the timing.`;

const DRAIN_WITHIN_MS = 240_000;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const count = wholeNumber('--events', values.events);
const seed = wholeNumber('--seed', values.seed);

const stack = spawn(process.execPath, ['local/main.ts', '--json', '--no-traffic', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  process.exitCode = (await torture(await readyLine())) ? 0 : 1;
} finally {
  stack.kill('SIGTERM');
  if (stack.exitCode === null) await once(stack, 'exit');
}

async function torture(ready: ReadyInfo): Promise<boolean> {
  console.log(`torture: ${count} events, seed ${seed}`);
  const calm = new AbortController();
  const mischief = makeMischief(ready, createRandom(seed + 1), calm.signal);
  let reported = 0;
  const traffic = await sendTraffic(ready, count, createRandom(seed), (sent) => {
    if (sent < reported + count / 10) return;
    reported = sent;
    console.log(`  ${sent} events posted`);
  });
  calm.abort();
  const { kills, spells } = await mischief;
  await clearFaults(ready);
  console.log('  draining the queue');
  const deadLetters = await drain(ready);
  console.log('  reading everything back');
  const { keys, wrongStatuses } = await readBack(ready, traffic.attempted);
  const verdict = checkHistory({
    attempted: new Set(traffic.attempted.keys()),
    acknowledged: traffic.acknowledged,
    stored: keys,
  });
  const answers = [...traffic.statusCodes].map(([code, times]) => `${code} x ${times}`).join(', ');
  const rows: [string, number | string][] = [
    ['attempted', verdict.attempted],
    ['acknowledged', verdict.acknowledged],
    ['stored', verdict.stored],
    ['lost', verdict.lost.length],
    ['unexpected', verdict.unexpected.length],
    ['doubled', verdict.doubled.length],
    ['recovered', verdict.recovered.length],
    ['wrong statuses', wrongStatuses.length],
    ['dead letters', deadLetters],
    ['kills', kills],
    ['spells of faults', spells],
    ['forged replays', traffic.replays],
    ['answers', answers],
  ];
  for (const [name, value] of rows) console.log(`  ${name.padEnd(17)} ${value}`);
  const broken = [...verdict.lost, ...verdict.unexpected, ...verdict.doubled, ...wrongStatuses];
  for (const key of broken.slice(0, 20)) console.log(`  broken: ${key}`);
  return broken.length === 0 && deadLetters === 0 && verdict.acknowledged > 0;
}

/** Waits until the queue has been empty twice in a row; answers how many dead letters there are. */
async function drain(ready: ReadyInfo): Promise<number> {
  const until = Date.now() + DRAIN_WITHIN_MS;
  for (let calm = 0; ; await sleep(500)) {
    const { queue, deadLetters } = (await control(ready, '/stats')) as {
      queue: { visible: number; inFlight: number };
      deadLetters: number;
    };
    calm = queue.visible + queue.inFlight === 0 ? calm + 1 : 0;
    if (calm === 2) return deadLetters;
    if (Date.now() > until) throw new Error(`not drained: ${JSON.stringify(queue)}`);
  }
}

async function readyLine(): Promise<ReadyInfo> {
  for await (const line of createInterface({ input: stack.stdout })) {
    const parsed = JSON.parse(line) as { event: string };
    if (parsed.event === 'ready') {
      stack.stdout.resume();
      return parsed as ReadyInfo;
    }
  }
  throw new Error('the local stack ended before it was ready');
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`${flag} must be a whole number above 0, not "${text}"`);
  process.exit(2);
}
