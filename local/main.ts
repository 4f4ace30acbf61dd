import { randomBytes, randomInt } from 'node:crypto';
import { CannotStart } from './cannot-start.ts';
import { Closers } from './closers.ts';
import { type Flags, HELP, parseFlags } from './flags.ts';
import { watchParent } from './parent.ts';
import type { ReadyInfo } from './ready.ts';

await main().catch(fail);

async function main(): Promise<void> {
  const flags = parseFlags(process.argv.slice(2));
  if (flags.help) {
    print(HELP);
    return;
  }
  const say = flags.json ? (line: string) => process.stderr.write(`${line}\n`) : print;
  const startedMs = performance.now();
  say('mailgun-ledger: the local stack is starting');

  const closers = new Closers();
  const stopping = new AbortController();
  const stop = async (exitCode: number) => {
    stopping.abort();
    await closers.close();
    process.exit(exitCode);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  watchParent(() => void stop(0));

  const { startLocalStack } = await import('./local-stack.ts');
  const seed = flags.seed ?? randomInt(2 ** 32);
  const stack = await startLocalStack(
    {
      port: flags.port,
      domains: flags.domains,
      keys: {
        current: flags.signingKey ?? `key-${randomBytes(16).toString('hex')}`,
        ...(flags.previousSigningKey !== undefined && { previous: flags.previousSigningKey }),
        ...(flags.parentSigningKey !== undefined && { parent: flags.parentSigningKey }),
      },
      faults: flags.faults,
      seed,
      phase: (name, about) => say(`  ${name.padEnd(10)}  ${about}`),
    },
    closers,
  ).catch((error) => {
    // What fails because it was stopped is no failure.
    if (!stopping.signal.aborted) throw error;
    return new Promise<never>(() => {});
  });
  say(`  ready       in ${((performance.now() - startedMs) / 1000).toFixed(1)} s; log: ${stack.logPath}`);
  if (flags.faults.length > 0) say(`  faults      repeat with --seed ${seed}`);
  announce(flags, stack.ready);
  if (!flags.traffic) return;

  const { runScenario } = await import('./scenario.ts');
  const { ok } = await runScenario({
    ready: stack.ready,
    json: flags.json,
    print,
    signal: stopping.signal,
    ...(flags.parentSigningKey !== undefined && { parentSigningKey: flags.parentSigningKey }),
  });
  if (flags.once && !stopping.signal.aborted) await stop(ok ? 0 : 1);
}

function announce(flags: Flags, ready: ReadyInfo): void {
  if (flags.json) {
    print(JSON.stringify(ready));
    return;
  }
  print(`
  Webhooks     ${ready.webhookUrl}
  Signing key  ${ready.signingKey}
  Read API     ${ready.apiUrl}/mailgun/…
  Token        ${ready.apiToken}
  Control      ${ready.controlUrl}/stats
  Stop         Ctrl-C, or: kill ${ready.pid}
`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(error: unknown): void {
  if (!(error instanceof CannotStart)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(error.exitCode);
}
