import { randomBytes, randomInt } from 'node:crypto';
import { type CastMessage, castStories } from './mailgun-twin/cast.ts';
import { type Clock, createClock } from './mailgun-twin/clock.ts';
import { LIFE_STORIES, SUBACCOUNT_STORY } from './mailgun-twin/life-stories.ts';
import { createRandom } from './mailgun-twin/random.ts';
import { createTwin, DEFAULT_COMPRESSION, type Twin } from './mailgun-twin/twin.ts';
import { createPost } from './mailgun-twin/webhook.ts';
import type { ReadyInfo } from './ready.ts';
import { commandsToPaste } from './scenario/commands.ts';
import { waitUntilDrained } from './scenario/drain.ts';
import { createJsonReporter } from './scenario/json-reporter.ts';
import { judgeMessage, type MessageVerdict } from './scenario/judge.ts';
import { type PlayedMessage, playStories, type Theatre } from './scenario/play.ts';
import { readMessage } from './scenario/read-back.ts';
import type { Print, Reporter } from './scenario/reporter.ts';
import { summarize } from './scenario/summary.ts';
import { createTextReporter } from './scenario/text-reporter.ts';
import { createWatch } from './scenario/watch.ts';

export interface ScenarioOptions {
  readonly ready: ReadyInfo;
  readonly json: boolean;
  readonly print: Print;
  readonly signal: AbortSignal;
  /** The stack stops after the run, so that there is nothing to try commands on. @default false */
  readonly endsAfterwards?: boolean;
  /** Percentage of first deliveries that fail. @default 0 */
  readonly drop?: number;
  /** Key of the primary account: lets a subaccount report as well. */
  readonly parentSigningKey?: string;
  /** Seconds of mail time in one second. @default eight hours take 20 s */
  readonly compression?: number;
}

/** Mailgun's longest schedule of retries; the longest story fits in as well. */
const DAY_SECONDS = 29_100;
/** Events are held back for up to an hour of mail time. */
const REORDER_SECONDS = 3_600;
const ANSWER_WITHIN_MS = 10_000;

/** Plays all life stories against a running stack and compares what it has stored with what they say. */
export async function runScenario(options: ScenarioOptions): Promise<{ ok: boolean }> {
  const { ready, json, print, signal } = options;
  const reporter = json ? createJsonReporter(print) : createTextReporter(print);
  const clock = createClock(signal);
  try {
    const played = await reportEverything(options, clock, reporter);
    const ok = await readEverything(options, played, clock, reporter);
    if (!options.endsAfterwards) reporter.commands(commandsToPaste(ready, played));
    return { ok };
  } catch (error) {
    if (!signal.aborted) reporter.trouble(error);
    return { ok: false };
  }
}

async function reportEverything(options: ScenarioOptions, clock: Clock, reporter: Reporter): Promise<PlayedMessage[]> {
  const { ready, signal, compression = DEFAULT_COMPRESSION } = options;
  const run = randomBytes(4).toString('hex');
  const messages = castMessages(options, run, clock);
  const twin = createTwin({
    signingKey: ready.signingKey,
    post: createPost(ready.webhookUrl, ANSWER_WITHIN_MS, signal),
    clock,
    random: createRandom(randomInt(2 ** 32)),
    compression,
  });
  reporter.opening({
    run,
    messages: messages.length,
    stories: new Set(messages.map(({ story }) => story)).size,
    events: messages.reduce((sum, { steps }) => sum + steps.length, 0),
    daySeconds: DAY_SECONDS,
    compression,
  });

  const watch = createWatch(twin, clock, compression, reporter);
  const played = await watch('reporting', playStories(messages, createTheatre(options, twin, clock)));
  await watch('retrying', twin.settled());
  return played;
}

function castMessages({ ready, parentSigningKey }: ScenarioOptions, run: string, clock: Clock): CastMessage[] {
  const stories = parentSigningKey ? [...LIFE_STORIES, SUBACCOUNT_STORY] : LIFE_STORIES;
  const random = createRandom(randomInt(2 ** 32));
  return castStories(stories, { domains: ready.domains, run, epochMs: clock.now(), daySeconds: DAY_SECONDS, random });
}

function createTheatre(options: ScenarioOptions, twin: Twin, clock: Clock): Theatre {
  const { drop = 0, parentSigningKey, compression = DEFAULT_COMPRESSION } = options;
  const mischief = {
    reorderMs: (REORDER_SECONDS * 1000) / compression,
    repeatChance: 0.3,
    troubleChance: 0.15,
    dropChance: drop / 100,
  };
  const theatre = { twin, clock, random: createRandom(randomInt(2 ** 32)), mischief, compression };
  if (!parentSigningKey) return theatre;
  // Nobody but the subaccount knows its own key, so any will do.
  return { ...theatre, subaccountKeys: { signing: randomBytes(16).toString('hex'), parent: parentSigningKey } };
}

async function readEverything(
  { ready, signal }: ScenarioOptions,
  played: readonly PlayedMessage[],
  clock: Clock,
  reporter: Reporter,
): Promise<boolean> {
  reporter.phase('draining');
  const leftovers = await waitUntilDrained(ready.controlUrl, clock, signal, (waiting) => reporter.waiting(waiting));
  reporter.drained(leftovers);

  reporter.phase('reading');
  const verdicts: MessageVerdict[] = [];
  for (const message of played) {
    verdicts.push(judgeMessage(message, await readMessage(ready, message.cast.mail.messageId, clock, signal)));
  }
  const summary = summarize(verdicts, leftovers);
  reporter.result(verdicts, summary);
  return summary.ok;
}
