import { randomBytes, randomInt } from 'node:crypto';
import { type Clock, createClock } from '../mailgun-twin/clock.ts';
import { createRandom } from '../mailgun-twin/random.ts';
import { type ScheduledMessage, scheduleMessages } from '../mailgun-twin/traffic/schedule-messages.ts';
import { LEGACY_TIMELINES, SUBACCOUNT_TIMELINE, TIMELINES } from '../mailgun-twin/traffic/timelines.ts';
import type { Twin } from '../mailgun-twin/twin.ts';
import type { ReadyLine } from './ready-line.ts';
import { compareMessage, type MessageOutcome } from './scenario/message-outcome.ts';
import { type PlayContext, type PlayedMessage, playTimelines } from './scenario/play.ts';
import { type Leftovers, readMessage, readStats } from './scenario/read-stack.ts';
import { createJsonReporter, createWatch, type Print, type ScenarioReporter } from './scenario/reporter.ts';
import { type SettledLedger, spanOf, waitUntilDrained, waitUntilSettled } from './scenario/settle.ts';
import { commandsToPaste, createTextReporter } from './scenario/text-reporter.ts';
import { keepLedger, missedByType, summarize } from './scenario/totals.ts';

export interface ScenarioOptions {
  readonly ready: ReadyLine;
  /** The twin that reports to the stack. */
  readonly twin: Twin;
  readonly json: boolean;
  readonly print: Print;
  readonly signal: AbortSignal;
  /** True if the stack stops after the run, so that commands cannot be tried. @default false */
  readonly endsAfterwards?: boolean;
  /** Percentage of first attempts that fail. @default 0 */
  readonly drop?: number;
  /** True if legacy webhooks are sent too; their events end as unconfirmed. @default false */
  readonly legacy?: boolean;
  /** True if events have shapes that break some clients. @default false */
  readonly oddShapes?: boolean;
  /** Key of the primary account: with it, a subaccount reports as well. */
  readonly parentSigningKey?: string;
  /** Seconds after its last event at which a slice is due; undefined when reconciling with another Mailgun. */
  readonly dueAfterSeconds: number | undefined;
}

/** Mailgun's longest retry schedule; the longest timeline fits in as well. */
const DAY_SECONDS = 29_100;
/** Events are held back for up to an hour of mail time. */
const REORDER_SECONDS = 3_600;

/** Plays every timeline against a running stack, and compares what is stored with what is expected. */
export async function runScenario(options: ScenarioOptions): Promise<{ ok: boolean }> {
  const { ready, json, print, signal } = options;
  const reporter = json ? createJsonReporter(print) : createTextReporter(print);
  const clock = createClock(signal);
  try {
    const played = await reportEverything(options, clock, reporter);
    reporter.phase('draining');
    const leftovers = await waitUntilDrained(ready.controlUrl, clock, signal, (waiting) => reporter.waiting(waiting));
    reporter.drained(leftovers);
    const standing = await reconcileEverything(options, clock, reporter);
    const ok = await readEverything(options, played, { leftovers, ...standing }, clock, reporter);
    if (!options.endsAfterwards) reporter.commands(commandsToPaste(ready, played));
    return { ok };
  } catch (error) {
    if (!signal.aborted) reporter.trouble(error);
    return { ok: false };
  }
}

async function reportEverything(
  options: ScenarioOptions,
  clock: Clock,
  reporter: ScenarioReporter,
): Promise<PlayedMessage[]> {
  const { twin } = options;
  const run = randomBytes(4).toString('hex');
  const messages = scheduledMessages(options, run, clock);
  reporter.opening({
    run,
    messages: messages.length,
    timelines: new Set(messages.map(({ timeline }) => timeline)).size,
    events: messages.reduce((sum, { steps }) => sum + steps.length, 0),
    daySeconds: DAY_SECONDS,
    compression: twin.compression,
  });

  const watch = createWatch(twin, clock, reporter);
  const played = await watch('reporting', playTimelines(messages, createPlayContext(options, clock)));
  await watch('retrying', twin.settled());
  return played;
}

/** Returns the final state of the stack's ledger; undefined if it could not know of these events. */
async function reconcileEverything(
  { ready, twin, signal, dueAfterSeconds }: ScenarioOptions,
  clock: Clock,
  reporter: ScenarioReporter,
): Promise<SettledLedger | undefined> {
  const span = spanOf(twin);
  if (dueAfterSeconds === undefined || !span) return undefined;
  reporter.phase('reconciling');
  reporter.missed(missedByType(twin.events));
  return waitUntilSettled(span, { ready, clock, signal, reporter, dueAfterSeconds });
}

function scheduledMessages(
  { ready, parentSigningKey, legacy }: ScenarioOptions,
  run: string,
  clock: Clock,
): ScheduledMessage[] {
  const timelines = [
    ...TIMELINES,
    ...(legacy ? LEGACY_TIMELINES : []),
    ...(parentSigningKey ? [SUBACCOUNT_TIMELINE] : []),
  ];
  const random = createRandom(randomInt(2 ** 32));
  return scheduleMessages(timelines, {
    domains: ready.domains,
    run,
    epochMs: clock.now(),
    daySeconds: DAY_SECONDS,
    random,
  });
}

function createPlayContext(
  { twin, drop = 0, oddShapes = false, parentSigningKey }: ScenarioOptions,
  clock: Clock,
): PlayContext {
  const { compression } = twin;
  const deliveryFaults = {
    reorderMs: (REORDER_SECONDS * 1000) / compression,
    repeatChance: 0.3,
    troubleChance: 0.15,
    dropChance: drop / 100,
  };
  const context = { twin, clock, random: createRandom(randomInt(2 ** 32)), deliveryFaults, oddShapes };
  if (!parentSigningKey) return context;
  // Any key will do: only the subaccount knows its own.
  return { ...context, subaccountKeys: { signing: randomBytes(16).toString('hex'), parent: parentSigningKey } };
}

async function readEverything(
  { ready, twin, signal }: ScenarioOptions,
  played: readonly PlayedMessage[],
  { leftovers, slices }: { readonly leftovers: Leftovers } & Partial<SettledLedger>,
  clock: Clock,
  reporter: ScenarioReporter,
): Promise<boolean> {
  reporter.phase('reading');
  const outcomes: MessageOutcome[] = [];
  for (const message of played) {
    const found = await readMessage(ready, message.scheduled.mail.messageId, clock, signal);
    outcomes.push(compareMessage(message, found, slices !== undefined));
  }
  const summary = summarize(outcomes, leftovers);
  reporter.result(outcomes, summary);
  const span = spanOf(twin);
  if (!slices || !span) return summary.ok;
  const events = outcomes.flatMap(({ account }) => account.events);
  const ledger = keepLedger(events, slices, await readStats(ready, span, clock, signal));
  reporter.ledger(ledger);
  return summary.ok && ledger.exact;
}
