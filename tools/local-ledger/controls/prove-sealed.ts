import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../mailgun-twin/clock.ts';
import type { ReadyLine } from '../ready-line.ts';
import { readLedger } from '../scenario/read-stack.ts';

/** What `verify` reports for a domain's certificate. */
interface ProvedDomain {
  readonly domain: string;
  readonly verdict: string;
  /** True if nothing contradicts the certificate, the archive included. */
  readonly holds: boolean;
  readonly faults: number;
  /** Fingerprint of the signing key. */
  readonly key: string;
}

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const DAY_SECONDS = 86_400;
/** States of slices that have been compared, and that a certificate can state. */
const COMPARED = ['settled', 'open', 'short'];

/** Runs `prove | verify` over each domain's compared time, as an operator would; throws if a command fails. */
export async function proveSealed(ready: ReadyLine, ranges: ReadonlyMap<string, SealedTime>): Promise<ProvedDomain[]> {
  const local = ['--local', '--port', new URL(ready.webhookUrl).port];
  const proved: ProvedDomain[] = [];
  for (const [domain, { from, to }] of ranges) {
    const range = ['--from', String(from), '--to', String(to), '--domain', domain];
    const certificate = await runLedger(['prove', ...local, ...range]);
    const lines = await runLedger(['verify', '-', '--archive', ready.archiveUrl ?? '', '--json'], certificate);
    const { verdict, holds, faults, key } = JSON.parse(lines.trimEnd().split('\n').at(-1) ?? '');
    proved.push({ domain, verdict, holds, faults, key });
  }
  return proved;
}

/** A time range of a ledger in epoch seconds. */
interface SealedTime {
  readonly from: number;
  readonly to: number;
}

/** Returns the compared time range of each ledger; leaves out domains without one. */
export async function comparedTimes(
  ready: ReadyLine,
  clock: Clock,
  signal: AbortSignal,
): Promise<Map<string, SealedTime>> {
  const now = Math.ceil(clock.now() / 1000);
  const slices = await readLedger(ready, { from: now - DAY_SECONDS, to: now }, clock, signal);
  const times = new Map<string, SealedTime>();
  for (const domain of ready.domains) {
    const compared = slices.filter((slice) => slice.domain === domain && COMPARED.includes(slice.state));
    if (compared.length === 0) continue;
    const from = Math.min(...compared.map(({ start }) => start));
    times.set(domain, { from, to: Math.max(...compared.map(({ end }) => end)) });
  }
  return times;
}

async function runLedger(args: readonly string[], input = ''): Promise<string> {
  const command = spawn(process.execPath, ['bin/mailgun-ledger.ts', ...args], { cwd: REPOSITORY });
  command.stdin.end(input);
  const [output, errors] = await Promise.all([text(command.stdout), text(command.stderr)]);
  if (output === '') throw new Error(`${args[0]} failed: ${errors.trim()}`);
  return output;
}
