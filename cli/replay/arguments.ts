import { type PlaceOptions, placeOf, placeText, type World } from '../command.ts';
import type { Place } from '../target.ts';
import { WrongInput } from '../wrong-input.ts';

/** What commander read. */
export interface ReplayOptions extends PlaceOptions {
  /** Epoch seconds. */
  readonly from: number;
  readonly to: number;
  readonly domain?: string;
  readonly plan?: boolean;
}

/** What to replay, and where. */
export interface ReplayArguments {
  readonly place: Place;
  readonly fromEpochSeconds: number;
  readonly toEpochSeconds: number;
  readonly domain: string | undefined;
  readonly plan: boolean;
  readonly json: boolean;
}

/** Throws WrongInput with a sentence for the person who typed it. */
export function replayArguments(options: ReplayOptions, world: World): ReplayArguments {
  const { from, to, domain, plan = false, json = false } = options;
  if (from >= to) throw new WrongInput('--from is not before --to');
  if (from > world.now() / 1000) throw new WrongInput('--from has not come yet');
  const place = placeOf(options, world.environment);
  return { place, fromEpochSeconds: from, toEpochSeconds: to, domain, plan, json };
}

/** The same as a command, for whoever goes on later. */
export function commandOf(args: Omit<ReplayArguments, 'json'>, times: { from: string; to: string }): string {
  const { place, domain, plan } = args;
  const what = ['--from', times.from, '--to', times.to, ...(domain ? ['--domain', domain] : [])];
  return ['npm run ledger -- replay', placeText(place), ...what, ...(plan ? ['--plan'] : [])].join(' ');
}
