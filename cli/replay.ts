import { addCounts, NO_COUNTS, type ReplayAnswer, type ReplayCounts, readAnswer } from './replay/answer.ts';
import { commandOf, HELP, parseReplayArguments, type ReplayArguments } from './replay/arguments.ts';
import { createJsonReporter, createTextReporter, type Reporter } from './replay/reporter.ts';
import { OutOfReach, type Place, type Target } from './target.ts';
import { timeText } from './time.ts';
import { WrongInput } from './wrong-input.ts';

export interface ReplayCommandDeps {
  findTarget: (place: Place) => Promise<Target>;
  print: (line: string) => void;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  /** Aborted when the operator wants it to end. */
  signal: AbortSignal;
}

const WAIT_MS = 5000;
/** So long nothing moves; then it gives up. */
const PATIENCE_MS = 15 * 60_000;

/** Why the function did not go on, and may in a while. */
const WAITS: Readonly<Record<string, string>> = {
  backlog: 'the queue has a backlog, and nothing is sent into it',
  busy: 'another run of reconcile is at work',
};
/** Failures of the listing that may pass. */
const PASSING = ['rate-limited', 'unavailable', 'malformed'];

/** Answers the exit code. */
export async function replay(args: readonly string[], deps: ReplayCommandDeps): Promise<number> {
  const { print, now, findTarget } = deps;
  try {
    const parsed = parseReplayArguments(args, now());
    if (parsed === 'help') {
      print(HELP);
      return 0;
    }
    const createReporter = parsed.json ? createJsonReporter : createTextReporter;
    const reporter = createReporter(print, parsed.plan);
    const target = await findTarget(parsed.place);
    return await replayAll(parsed, target, reporter, deps);
  } catch (error) {
    if (!(error instanceof WrongInput || error instanceof OutOfReach)) throw error;
    print(args.includes('--json') ? JSON.stringify({ event: 'error', message: error.message }) : error.message);
    return error instanceof WrongInput ? 2 : 1;
  }
}

async function replayAll(
  args: ReplayArguments,
  target: Target,
  reporter: Reporter,
  deps: ReplayCommandDeps,
): Promise<number> {
  const { domain: only, fromEpochSeconds, toEpochSeconds } = args;
  if (only !== undefined && !target.domains.includes(only)) {
    throw new WrongInput(`--domain ${only} is none of the stack's: ${target.domains.join(', ')}`);
  }
  const rest = new Map((only === undefined ? target.domains : [only]).map((name) => [name, fromEpochSeconds]));
  let sums = NO_COUNTS;
  let isAll = true;
  for (const domain of [...rest.keys()]) {
    if (deps.signal.aborted) break;
    const ended = await replayDomain(domain, args, target, reporter, deps);
    sums = addCounts(sums, ended.sums);
    isAll &&= ended.isAll;
    if (ended.reached === undefined) rest.delete(domain);
    else rest.set(domain, ended.reached);
  }
  reporter.end(sums, isAll && rest.size === 0);
  const to = timeText(toEpochSeconds);
  if (rest.size > 0) {
    reporter.resume([...rest].map(([domain, from]) => commandOf({ ...args, domain }, { from: timeText(from), to })));
  }
  return isAll && rest.size === 0 ? 0 : 1;
}

/** `reached`: where to go on; undefined where nothing is left to do. */
interface DomainEnd {
  sums: ReplayCounts;
  isAll: boolean;
  reached: number | undefined;
}

/** Calls the function again and again, from where it came to. */
async function replayDomain(
  domain: string,
  { fromEpochSeconds, toEpochSeconds, plan }: ReplayArguments,
  target: Target,
  reporter: Reporter,
  { now, sleep, signal }: ReplayCommandDeps,
): Promise<DomainEnd> {
  let sums = NO_COUNTS;
  let reached = fromEpochSeconds;
  let progress: unknown;
  let movedAt = now();
  let toldWhy: string | undefined;
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

  while (!signal.aborted) {
    const request = { domain, fromEpochSeconds: reached, toEpochSeconds, plan, ...(progress ? { progress } : {}) };
    // What is under way when the operator ends it is done once more later, which changes nothing.
    const answer = await Promise.race([call(target, request), stopped]);
    if (answer === undefined) break;
    if (answer instanceof OutOfReach) {
      reporter.left(domain, `stopped: ${answer.message}`);
      break;
    }
    sums = addCounts(sums, answer);
    if (answer.nextFromEpochSeconds > reached || answer.done || answer.state === 'ran') movedAt = now();
    reached = Math.max(reached, answer.nextFromEpochSeconds);
    progress = answer.progress;
    if (answer.slices > 0) reporter.progress(domain, reached, sums);
    if (answer.done) return finish(answer);

    const why = reasonToWait(answer);
    if (why === undefined) {
      toldWhy = undefined;
      continue;
    }
    if (!why.passes || now() - movedAt >= PATIENCE_MS) {
      reporter.left(domain, `stopped: ${why.text}`);
      break;
    }
    if (why.text !== toldWhy) reporter.waiting(domain, why.text);
    toldWhy = why.text;
    await Promise.race([sleep(WAIT_MS), stopped]);
  }
  return { sums, isAll: false, reached };

  function finish({ nextFromEpochSeconds: end }: ReplayAnswer): DomainEnd {
    if (end < toEpochSeconds) {
      reporter.left(domain, `from ${timeText(end)} on Mailgun may still list late; the scheduled runs take that`);
    }
    if (sums.unreachable > 0) {
      reporter.left(domain, `${sums.unreachable} slices are older than what Mailgun keeps`);
    }
    if (sums.stuck > 0) reporter.left(domain, `${sums.stuck} events are stuck: sent five times, and not sent again`);
    return { sums, isAll: sums.unreachable + sums.stuck === 0, reached: undefined };
  }
}

/** A call that fails is answered as such, so that one left behind troubles nobody. */
async function call(target: Target, request: object): Promise<ReplayAnswer | OutOfReach> {
  try {
    return readAnswer(await target.invoke('reconcile', { replay: request }));
  } catch (error) {
    return error instanceof OutOfReach ? error : new OutOfReach(String(error), { cause: error });
  }
}

function reasonToWait({ state, reason }: ReplayAnswer): { text: string; passes: boolean } | undefined {
  if (state === 'ran') return undefined;
  const wait = WAITS[state];
  if (wait !== undefined) return { text: wait, passes: true };
  if (state === 'off') return { text: 'the stack has no Mailgun API key', passes: false };
  if (state !== 'failed') return { text: `reconcile answered ${state}`, passes: false };
  return { text: `Mailgun's listing is ${reason}`, passes: PASSING.includes(reason ?? '') };
}
