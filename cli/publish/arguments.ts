import { type PlaceOptions, placeOf, type World } from '../command.ts';
import type { Place } from '../target.ts';
import { WrongInput } from '../wrong-input.ts';

/** Slow enough that rules and targets of any account take it beside the events of the day. */
export const USUAL_RATE = 50;

/** What commander read. */
export interface PublishOptions extends PlaceOptions {
  /** Epoch seconds. */
  readonly from: number;
  readonly to?: number;
  readonly domain?: string;
  readonly rate?: number;
  readonly plan?: boolean;
}

/** What to publish once more, and where. */
export interface PublishArguments {
  readonly place: Place;
  readonly fromEpochSeconds: number;
  readonly toEpochSeconds: number;
  readonly domain: string | undefined;
  /** Events a second. */
  readonly rate: number;
  readonly plan: boolean;
  readonly json: boolean;
}

/** Throws WrongInput with a sentence for the person who typed it. */
export function publishArguments(options: PublishOptions, world: World): PublishArguments {
  const nowSeconds = Math.ceil(world.now() / 1000);
  const { from, to = nowSeconds, domain, rate = USUAL_RATE, plan = false, json = false } = options;
  if (from > nowSeconds) throw new WrongInput('--from has not come yet');
  if (from >= to) throw new WrongInput('--from is not before --to');
  const place = placeOf(options, world.environment);
  return { place, fromEpochSeconds: from, toEpochSeconds: to, domain, rate, plan, json };
}
