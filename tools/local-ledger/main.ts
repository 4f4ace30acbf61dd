import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AlarmNews } from '../local-stack/alarms/start-alarms.ts';
import { faultText } from '../local-stack/aws/fault-rules.ts';
import { Disposables } from '../local-stack/run/disposables.ts';
import { StartupError } from '../local-stack/run/startup-error.ts';
import { watchParent } from '../local-stack/run/watch-parent.ts';
import { newKey } from '../mailgun-twin/api/account.ts';
import { createClock } from '../mailgun-twin/clock.ts';
import { alarmLines } from './controls/alarm-lines.ts';
import type { AcceptedKeys } from './controls/ledger-controls.ts';
import { comparedTimes, proveSealed } from './controls/prove-sealed.ts';
import { type SealResult, sealAll } from './controls/seal-runs.ts';
import type { LocalStack } from './local-ledger.ts';
import { type Flags, parseFlags } from './options/flags.ts';
import type { ReadyLine } from './ready-line.ts';

/** Below the 5 s that a command waits when it stops a stack. */
const STOP_WITHIN_MS = 4000;

await main().catch(fail);

async function main(): Promise<void> {
  const flags = parseFlags(process.argv.slice(2));
  if ('help' in flags) {
    print(flags.help);
    return;
  }
  const say = flags.json ? (line: string) => process.stderr.write(`${line}\n`) : print;
  const startedMs = performance.now();
  say('mailgun-ledger: the local stack is starting');

  const disposables = new Disposables();
  const stopping = new AbortController();
  const stop = async (exitCode: number) => {
    stopping.abort();
    // The process reaper kills what has not ended by then.
    await Promise.race([disposables.close(), sleep(STOP_WITHIN_MS)]);
    process.exit(exitCode);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  watchParent(() => void stop(0));

  const { startLocalStack } = await import('./local-ledger.ts');
  const seed = flags.seed ?? randomInt(2 ** 32);
  const phase = (name: string, about: string) => say(`  ${name.padEnd(10)}  ${about}`);
  const { port, domains, engine, faults, archive, publish, receivers, reconcile, metricPeriodSeconds } = flags;
  const onAlarm = (news: AlarmNews) => printAlarm(flags, news);
  const stack = await startLocalStack(
    {
      port,
      domains,
      archive,
      publish: publish ? { recipients: true } : undefined,
      receivers,
      reconcile,
      engine,
      metricPeriodSeconds,
      faults,
      seed,
      phase,
      onAlarm,
      keys: keysOf(flags),
      redactedDomains: flags.redactedDomains,
    },
    disposables,
  ).catch((error) => {
    if (!stopping.signal.aborted) throw error;
    // A failure caused by stopping is not reported; `stop` ends the process.
    return new Promise<never>(() => {});
  });
  phase('ready', `in ${((performance.now() - startedMs) / 1000).toFixed(1)} s; log: ${stack.logPath}`);
  if (faults.length > 0) phase('faults', `${faults.map(faultText).join(', ')}; the same again with --seed ${seed}`);
  announce(flags, stack.ready);
  if (flags.json) stack.onPublished((event) => print(JSON.stringify({ event: 'published', ...event })));
  if (!flags.traffic) return;

  const { runScenario } = await import('./scenario.ts');
  const { openTwin } = await import('../mailgun-twin/open-twin.ts');
  const { signal } = stopping;
  const { settleSeconds, sliceSeconds, mailgunUrl } = reconcile;
  const { ok } = await runScenario({
    ready: stack.ready,
    twin: openTwin(stack.ready, stack, signal),
    json: flags.json,
    print,
    signal,
    drop: flags.drop,
    legacy: flags.legacy,
    oddShapes: flags.oddShapes,
    endsAfterwards: flags.once,
    dueAfterSeconds: mailgunUrl === undefined ? settleSeconds + sliceSeconds : undefined,
    ...(flags.parentSigningKey !== undefined && { parentSigningKey: flags.parentSigningKey }),
  });
  if (flags.once && !stopping.signal.aborted) {
    const isProved = stack.ready.archiveUrl === undefined || (await sealAndProve(flags, stack, signal));
    await stop(ok && isProved ? 0 : 1);
  }
}

function keysOf({ signingKey, previousSigningKey, parentSigningKey }: Flags): AcceptedKeys {
  return {
    current: signingKey ?? newKey(),
    ...(previousSigningKey !== undefined && { previous: previousSigningKey }),
    ...(parentSigningKey !== undefined && { parent: parentSigningKey }),
  };
}

function announce(flags: Flags, ready: ReadyLine): void {
  if (flags.json) {
    print(JSON.stringify(ready));
    return;
  }
  print(`
  Webhooks     ${ready.webhookUrl}
  Signing key  ${ready.signingKey}
  Dashboard    ${ready.dashboardUrl}
  Read API     ${ready.apiUrl}/mailgun/…
  Token        ${ready.apiToken}
  Mailgun API  ${ready.mailgunUrl}
  Control      ${ready.controlUrl}/stats${ready.archiveUrl === undefined ? '' : `\n  Archive      ${ready.archiveUrl}`}${(ready.receivers ?? []).map(({ url, secret }) => `\n  Receiver     ${url}  ${secret}`).join('')}
  Stop         Ctrl-C, or: kill ${ready.pid}
`);
}

/** Returns true if everything is sealed and the certificates are valid and complete. */
async function sealAndProve({ json }: Flags, { ready, seal }: LocalStack, stopping: AbortSignal): Promise<boolean> {
  const clock = createClock(stopping);
  const times = await comparedTimes(ready, clock, stopping);
  const { sealed, rows, done } = await sealAll(async () => (await seal()) as SealResult, clock);
  if (json) print(JSON.stringify({ event: 'sealed', sealed, rows, done }));
  else print(`sealed ${sealed} slices with ${rows} events${done ? '' : '; not all, see the log'}`);
  const proved = await proveSealed(ready, times);
  for (const each of proved) {
    const { domain, holds, verdict, faults, key } = each;
    if (json) print(JSON.stringify({ event: 'proved', ...each }));
    else print(`proved ${domain}: ${holds ? verdict : `${faults} faults`}, signed by the key ${key}`);
  }
  return done && proved.every(({ holds, verdict }) => holds && verdict === 'complete');
}

/** Prints an alarm's change, except its first OK. */
function printAlarm(flags: Flags, news: AlarmNews): void {
  const { name, description, from, to, reason, atMs } = news;
  if (from === 'INSUFFICIENT_DATA' && to === 'OK') return;
  const at = new Date(atMs).toISOString();
  if (flags.json) print(JSON.stringify({ event: 'alarm', at, name, state: to, was: from, reason, description }));
  else for (const line of alarmLines(news)) print(line);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(error: unknown): void {
  if (!(error instanceof StartupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitCode);
}
