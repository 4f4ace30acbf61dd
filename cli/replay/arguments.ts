import { parseArgs } from 'node:util';
import type { Place } from '../target.ts';
import { parseTime } from '../time.ts';
import { WrongInput } from '../wrong-input.ts';

const DEFAULT_PORT = 4010;

export const HELP = `Compares what Mailgun lists of a time with what is stored, and has stored what is missing.

  npm run ledger -- replay --local --from 2h --to 30m --plan
  npm run ledger -- replay --env prod --from 2026-11-20T00:00:00Z --to 2026-11-22T00:00:00Z
  npm run ledger -- replay --env prod --from 3d --to 1h --domain mg.example.com --json

  --from T      begin: ISO 8601 with offset, epoch seconds, or so long ago (45s, 30m, 2h, 3d)
  --to T        end, the same way; slices of the ledger that the time touches are looked at as a whole
  --domain D    only this sending domain (all of the stack)
  --plan        only say what would be done, and what it costs; nothing is written or sent
  --env E       the stack of this environment on AWS, with the shell's credentials and region
  --local       the stack that runs on this machine
  --port N      its webhook port (${DEFAULT_PORT})
  --json        JSON lines in place of text

It can be interrupted at any time, and then prints the command that goes on.
What is sent is stored within minutes; the scheduled runs then settle its slices.

Exit code: 0 done, 1 not all could be replayed (or it was interrupted), 2 wrong usage.`;

/** What to replay, and where. */
export interface ReplayArguments {
  readonly place: Place;
  readonly fromEpochSeconds: number;
  readonly toEpochSeconds: number;
  readonly domain: string | undefined;
  readonly plan: boolean;
  readonly json: boolean;
}

/** Answers 'help' where that is asked for; throws WrongInput with a sentence for the person who typed it. */
export function parseReplayArguments(args: readonly string[], nowMs: number): ReplayArguments | 'help' {
  const flags = readFlags(args);
  if (flags.help) return 'help';
  const { from, to, domain, plan = false, json = false } = flags;
  if (!from) throw new WrongInput('--from is missing; --help shows examples');
  if (!to) throw new WrongInput('--to is missing; --help shows examples');
  const fromEpochSeconds = parseTime('from', from, nowMs);
  const toEpochSeconds = parseTime('to', to, nowMs);
  if (fromEpochSeconds >= toEpochSeconds) throw new WrongInput(`--from ${from} is not before --to ${to}`);
  if (fromEpochSeconds > nowMs / 1000) throw new WrongInput(`--from ${from} has not come yet`);
  return { place: placeOf(flags), fromEpochSeconds, toEpochSeconds, domain, plan, json };
}

/** The same as a command, for whoever goes on later. */
export function commandOf(args: Omit<ReplayArguments, 'json'>, times: { from: string; to: string }): string {
  const { place, domain, plan } = args;
  const where = place.kind === 'aws' ? ['--env', place.environment] : ['--local', '--port', String(place.port)];
  const what = ['--from', times.from, '--to', times.to, ...(domain ? ['--domain', domain] : [])];
  return ['npm run ledger -- replay', ...where, ...what, ...(plan ? ['--plan'] : [])].join(' ');
}

function placeOf({ env, local, port }: ReturnType<typeof readFlags>): Place {
  if (env !== undefined && local) throw new WrongInput('--env and --local exclude each other');
  if (port !== undefined && !local) throw new WrongInput('--port goes with --local only');
  if (env !== undefined) return { kind: 'aws', environment: env };
  if (!local) throw new WrongInput('--env or --local is missing; --help shows examples');
  if (port !== undefined && !(/^[1-9]\d{0,4}$/.test(port) && Number(port) < 65_536)) {
    throw new WrongInput(`--port is a port number, not "${port}"`);
  }
  return { kind: 'local', port: Number(port ?? DEFAULT_PORT) };
}

function readFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const places = { env: text, local: flag, port: text };
  try {
    return parseArgs({
      args: [...args],
      options: { from: text, to: text, domain: text, plan: flag, ...places, json: flag, help: flag },
    }).values;
  } catch (error) {
    throw new WrongInput(`${(error as Error).message.split(/\.\s/)[0]}; --help shows examples`);
  }
}
