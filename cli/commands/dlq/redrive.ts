import { InvalidArgumentError } from 'commander';
import {
  type CliContext,
  confirm,
  ledgerCommand,
  type Run,
  type TargetOptions,
  targetRefOf,
  wholeNumber,
} from '../../command.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { counted, createEmit } from '../../output.ts';
import {
  type DeadLetter,
  type DeadLetters,
  MAX_SCANNED_MESSAGES,
  openDeadLetters,
  RECEIVES_EXHAUSTED,
  scanDeadLetters,
} from './dead-letters.ts';
import { createEffects, type Effects } from './effects.ts';

/** The lines of `dlq redrive --json`. */
export type DlqRedriveLine =
  | { event: 'planned'; reason: string; count: number }
  | { event: 'plan'; count: number; complete: boolean }
  | { event: 'progress'; sent: number; left: number }
  | { event: 'stopped'; why: string }
  | { event: 'back'; id: string; reason: string }
  | {
      event: 'redriven';
      sent: number;
      stored: number;
      /** Stored before they were sent again. */
      known: number;
      /** In the dead-letter queue again. */
      back: number;
      /** Still on their way. */
      waiting: number;
      /** Not sent. */
      left: number;
      /** False where there are more dead letters than one run takes. */
      complete: boolean;
    };

interface RedriveOptions extends TargetOptions {
  readonly reason?: string;
  readonly id?: readonly string[];
  readonly rate: number;
  readonly wait: number;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const REDRIVE_EXAMPLES = `
Each message is sent to the queue and then deleted here, so it can be interrupted or killed at any time: nothing is
lost, and what is sent twice is stored once. In the end it says what became of them.

Examples:
  npm run ledger -- dlq redrive --env prod --plan
  npm run ledger -- dlq redrive --env prod --reason ${RECEIVES_EXHAUSTED} --rate 5/s
  npm run ledger -- dlq redrive --local --id 7c6ff0f5-3b0e-4c0a-9d52-6a5f1f2c7a11 --yes --json

Exit code: 0 all are stored; 1 some are back, still on their way or left; 2 wrong usage.`;

export const redriveCommand = (context: CliContext, run: Run) =>
  ledgerCommand('redrive', 'sends dead letters to the queue again')
    .option('--plan', 'only say what would be sent')
    .option('--reason <reason>', 'only those of this reason (all)')
    .option('--id <id>', 'only this one; may be repeated', (id: string, ids: string[] = []) => [...ids, id])
    .option('--rate <n>', 'so many a second, as 5 or 5/s', parseRate, 20)
    .option('--wait <seconds>', 'so long it watches what becomes of them', wholeNumber(0), 60)
    .option('--yes', 'does not ask')
    .addHelpText('after', REDRIVE_EXAMPLES)
    .action(run<RedriveOptions>((options) => redrive(context, options)));

async function redrive(context: CliContext, options: RedriveOptions): Promise<number> {
  const deployment = await context.openDeployment(targetRefOf(options, context.environment));
  const emit = createEmit<DlqRedriveLine>(context, options.json);
  const deadLetters = openDeadLetters(deployment);
  const { wanted, complete } = await choose(deadLetters, options);
  const missing = options.id?.filter((id) => !wanted.some((letter) => letter.id === id)) ?? [];
  if (missing.length > 0) throw new TargetUnavailableError(`there is no such dead letter: ${missing.join(', ')}`);
  const reasons = [...Map.groupBy(wanted, ({ reason }) => reason)];
  if (options.plan) {
    for (const [reason, { length: count }] of reasons) {
      emit({ event: 'planned', reason, count }, `${reason.padEnd(18)} ${String(count).padStart(6)}`);
    }
    const all = `would send ${counted(wanted.length, 'message')} at ${options.rate} a second; nothing was sent.`;
    emit({ event: 'plan', count: wanted.length, complete }, all);
    return 0;
  }
  if (wanted.length > 0) {
    const what = reasons.map(([reason, { length }]) => `${length} ${reason}`).join(', ');
    await confirm(context, options.yes, `Send ${counted(wanted.length, 'message')} (${what}) to ${deployment.name}?`);
  }

  const effects = createEffects(deployment, deadLetters);
  const ids = new Set(wanted.map(({ id }) => id));
  let isStopped = false;
  const onProgress = (left: number) =>
    emit({ event: 'progress', sent: ids.size - left, left }, `sent ${ids.size - left} of ${ids.size}`);
  try {
    await sendAgain({ ids, perSecond: options.rate }, deadLetters, effects, context, onProgress);
  } catch (error) {
    isStopped = true;
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    emit({ event: 'stopped', why }, `stopped: ${why}`);
  }
  const result = await effects.watch(context, options.wait * 1000, (id, reason) =>
    emit({ event: 'back', id, reason }, `back among the dead letters: ${id}  ${reason}`),
  );
  const sent = result.known + result.stored + result.back + result.waiting;
  const left = ids.size - sent;
  emit(
    { event: 'redriven', sent, ...result, left, complete },
    ids.size === 0
      ? 'There are no such dead letters; nothing was sent.'
      : `sent ${sent} · stored ${result.stored} · known before ${result.known} · back ${result.back} · on their way ` +
          `${result.waiting} · left ${left}${complete ? '' : ' · there are more: run it again'}`,
  );
  return isStopped || result.back + result.waiting + left > 0 || !complete ? 1 : 0;
}

type Chosen = Pick<DeadLetter, 'id' | 'reason'>;

/** The dead letters that the options mean; all that are there now, and none that come later. */
async function choose(deadLetters: DeadLetters, { reason: only, id: ids }: RedriveOptions) {
  const wanted: Chosen[] = [];
  let looked = 0;
  for await (const { id, reason } of scanDeadLetters(deadLetters)) {
    looked += 1;
    if (reason === (only ?? reason) && (ids?.includes(id) ?? true)) wanted.push({ id, reason });
    if (ids !== undefined && wanted.length === new Set(ids).size) return { wanted, complete: true };
  }
  return { wanted, complete: looked < MAX_SCANNED_MESSAGES };
}

function parseRate(text: string): number {
  const rate = Number(/^(\d{1,4})(?:\/s)?$/.exec(text)?.[1]);
  if (!(rate >= 1)) throw new InvalidArgumentError('It is a whole number of at least 1, as 5 or 5/s.');
  return rate;
}

export interface SendAgainRequest {
  /** Ids of those to send, from a look through them: what comes back has another id, and is not sent for ever. */
  readonly ids: ReadonlySet<string>;
  readonly perSecond: number;
}

/** Longer than ten messages take at one a second, and short where the command is killed. */
const SEND_VISIBILITY_SECONDS = 60;
/** Whoever else reads the dead letters may hold some of them. */
const MAX_IDLE_ROUNDS = 2;

/**
 * Sends dead letters to process again. Each is sent first and deleted then: whatever happens in between, it is in one
 * of the two queues at least, and process absorbs what comes twice.
 */
export async function sendAgain(
  { ids, perSecond }: SendAgainRequest,
  deadLetters: DeadLetters,
  effects: Pick<Effects, 'expect' | 'forget'>,
  { now, sleep, signal }: CliContext,
  onProgress: (left: number) => void,
): Promise<void> {
  const left = new Set(ids);
  const seen = new Set<string>();
  const held = new Map<string, DeadLetter>();
  let dueMs = now();
  try {
    for (let idle = 0; left.size > 0 && idle < MAX_IDLE_ROUNDS && !signal.aborted; ) {
      const letters = await deadLetters.receive(SEND_VISIBILITY_SECONDS);
      idle = letters.some(({ id }) => !seen.has(id)) ? 0 : idle + 1;
      for (const letter of letters) {
        seen.add(letter.id);
        held.set(letter.id, letter);
      }
      const wanted = letters.filter(({ id }) => left.has(id));
      await effects.expect(wanted);
      for (const letter of wanted) {
        await sleep(Math.max(0, dueMs - now()));
        if (signal.aborted) break;
        dueMs = Math.max(dueMs, now()) + 1000 / perSecond;
        await deadLetters.resend(letter);
        left.delete(letter.id);
        await deadLetters.remove(letter);
        held.delete(letter.id);
      }
      if (wanted.length > 0) onProgress(left.size);
    }
  } finally {
    effects.forget(left);
    await deadLetters.giveBack([...held.values()]);
  }
}
