import { createHash } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import { batchGetAll, itemName } from '../../../lambdas/adapters/table/ledger-table.ts';
import {
  type CliContext,
  confirm,
  ledgerCommand,
  openTarget,
  type Run,
  repeated,
  type TargetOptions,
  wholeNumber,
} from '../../command.ts';
import { tableOf } from '../../ledger.ts';
import { counted, createEmit, type Emit, groupBy, printedCommand } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import {
  countsByReason,
  type DeadLetter,
  type DeadLetters,
  openDeadLetters,
  RECEIVES_EXHAUSTED,
  receiveSelected,
  type Selected,
  type SelectionOptions,
  scanDeadLetters,
  selectDeadLetters,
} from './dead-letters.ts';

/** Reason of messages that the table refused. */
const UNSTORABLE = 'unstorable';

/** The lines of `dlq redrive --json`. */
export type DlqRedriveLine =
  | {
      event: 'planned';
      reason: string;
      count: number;
      /** They come back unless their cause is fixed first. */
      mayComeBack: boolean;
    }
  /** Never sent, since it would only come back: this version of the code cannot read it. */
  | { event: 'unreadable'; id: string; reason: string; error: { reason: string; where: string } }
  | { event: 'plan'; count: number; unreadable: number; complete: boolean }
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
      /** Not sent, since this version of the code cannot read them. */
      unreadable: number;
      /** False where there are more dead letters than were read. */
      complete: boolean;
    };

interface RedriveOptions extends TargetOptions, SelectionOptions {
  readonly rate: number;
  readonly wait: number;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const REDRIVE_EXAMPLES = `
Each message is sent to the queue and then deleted from the DLQ. You can interrupt it at any time: nothing is lost, and
an event that is sent twice is stored once. A message that this version cannot read is not sent; dlq discard deletes it.
At the end it reports:
  stored             stored by this redrive
  stored before      was stored already
  in the DLQ again   failed once more; it has a new id
  not stored yet     neither stored nor back within --wait seconds
  not sent           one run takes up to 10,000 messages, those present when it begins

Examples:
  npm run ledger -- dlq redrive --env prod --plan
  npm run ledger -- dlq redrive --env prod --reason ${RECEIVES_EXHAUSTED} --rate 5/s
  npm run ledger -- dlq redrive --local --id 7c6ff0f5-3b0e-4c0a-9d52-6a5f1f2c7a11 --yes --json`;

export const redriveCommand = (context: CliContext, run: Run) =>
  ledgerCommand('redrive', 'send dead letters to the queue again')
    .option('--plan', 'only show what would be sent')
    .option('--reason <reason>', 'only those of this reason (all)')
    .option('--id <id>', 'only this one; may be repeated', repeated)
    .option('--rate <n>', 'messages a second, as 5 or 5/s', parseRate, 20)
    .option('--wait <seconds>', 'how long to wait for their outcome', wholeNumber(0), 60)
    .option('--yes', 'do not ask')
    .addHelpText('after', REDRIVE_EXAMPLES)
    .action(run<RedriveOptions>((options) => redrive(context, options)));

async function redrive(context: CliContext, options: RedriveOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  const emit = createEmit<DlqRedriveLine>(context, options.json);
  const deadLetters = openDeadLetters(deployment);
  const { selected, complete, more } = await selectDeadLetters(deadLetters, options, context);
  const wanted = selected.filter(({ error }) => error === null);
  const unreadable = selected.length - wanted.length;
  reportUnreadable(selected, emit, deployment);
  if (options.plan) {
    for (const [reason, { length: count }] of groupBy(wanted, (letter) => letter.reason)) {
      const mayComeBack = reason === UNSTORABLE;
      const hint = mayComeBack ? '  the table refused these: fix the cause first, or they fail again' : '';
      emit(
        { event: 'planned', reason, count, mayComeBack },
        `${reason.padEnd(18)} ${String(count).padStart(6)}${hint}`,
      );
    }
    const all = `Plan: ${counted(wanted.length, 'message')} would be sent at ${options.rate} a second; nothing was sent.`;
    emit({ event: 'plan', count: wanted.length, unreadable, complete }, all, ...more);
    return 0;
  }
  if (wanted.length > 0) {
    const what = countsByReason(wanted);
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
    emit({ event: 'back', id, reason }, `in the DLQ again: ${id}  ${reason}`),
  );
  const sent = result.known + result.stored + result.back + result.waiting;
  const left = ids.size - sent;
  const none = complete ? 'There are no dead letters' : 'No dead letter could be read';
  const nothing = unreadable > 0 ? 'No message can be read' : none;
  emit(
    { event: 'redriven', sent, ...result, left, unreadable, complete },
    ids.size === 0
      ? `${nothing}; nothing was sent.`
      : `sent ${sent} · stored ${result.stored} · stored before ${result.known} · in the DLQ again ${result.back} · not ` +
          `stored yet ${result.waiting} · not sent ${left}`,
    ...more,
  );
  return isStopped || result.back + result.waiting + left + unreadable > 0 || !complete ? 1 : 0;
}

/** Reports those that would only come back. */
function reportUnreadable(selected: readonly Selected[], emit: Emit<DlqRedriveLine>, deployment: Deployment): void {
  for (const { id, reason, error } of selected) {
    if (error === null) continue;
    const text = `unreadable, so not sent: ${id}  ${error.reason}, at ${error.where}`;
    const fix =
      error.reason === 'unknown-version'
        ? `deploy the version that wrote it; which that is: ${printedCommand(deployment, 'dlq show', id)}`
        : printedCommand(deployment, `dlq discard --id ${id} --yes`);
    emit({ event: 'unreadable', id, reason, error }, text, `  fix: ${fix}`);
  }
}

function parseRate(text: string): number {
  const rate = Number(/^(\d{1,4})(?:\/s)?$/.exec(text)?.[1]);
  if (!(rate >= 1)) throw new InvalidArgumentError('Give a whole number of at least 1, as 5 or 5/s.');
  return rate;
}

interface SendAgainRequest {
  /** Ids to send, from a first scan: messages that return to the DLQ have other ids, and are not sent again. */
  readonly ids: ReadonlySet<string>;
  readonly perSecond: number;
}

/**
 * Sends dead letters to process again. Each is sent first and deleted then: whatever happens in between, it is in one
 * of the two queues at least, and process absorbs what comes twice.
 */
async function sendAgain(
  { ids, perSecond }: SendAgainRequest,
  deadLetters: DeadLetters,
  effects: Pick<Effects, 'expect' | 'forget'>,
  context: CliContext,
  onProgress: (left: number) => void,
): Promise<void> {
  const { now, sleep, signal } = context;
  const left = new Set(ids);
  let dueMs = now();
  try {
    await receiveSelected(left, deadLetters, context, async (letters, remove) => {
      await effects.expect(letters);
      for (const letter of letters) {
        await sleep(Math.max(0, dueMs - now()));
        if (signal.aborted) break;
        dueMs = Math.max(dueMs, now()) + 1000 / perSecond;
        await deadLetters.resend(letter);
        left.delete(letter.id);
        await remove(letter);
      }
      if (letters.length > 0) onProgress(left.size);
    });
  } finally {
    effects.forget(left);
  }
}

type Effect = 'known' | 'stored' | 'back' | 'waiting';

interface Resent {
  /** Id it had in the DLQ. */
  readonly id: string;
  readonly bodyHash: string;
  /** Key of its event; undefined if no event can be read. */
  readonly key: { readonly pk: string; readonly sk: string } | undefined;
  effect: Effect;
}

const POLL_INTERVAL_MS = 500;
/** The dead letters are looked through less often than the table. */
const DLQ_SCAN_INTERVAL_MS = 3000;

/** Follows the outcomes of redriven messages. */
function createEffects(deployment: Deployment, deadLetters: DeadLetters) {
  const resent: Resent[] = [];
  const waiting = () => resent.filter(({ effect }) => effect === 'waiting');

  /** Marks those that the table holds by now. */
  async function lookUp(some: readonly Resent[], effect: Effect): Promise<void> {
    const byKey = groupBy(
      some.filter(({ key }) => key !== undefined),
      ({ key }) => itemName(key ?? {}),
    );
    const Keys = [...byKey.values()].flatMap(([first]) => first?.key ?? []);
    const found = await batchGetAll(tableOf(deployment), {
      Keys,
      ConsistentRead: true,
      ProjectionExpression: 'pk, sk',
    });
    for (const { pk, sk } of found) {
      for (const each of byKey.get(itemName({ pk, sk })) ?? []) each.effect = effect;
    }
  }

  return {
    /** Call before sending: events stored by then count as known. */
    async expect(letters: readonly DeadLetter[]): Promise<void> {
      const some = letters.map(({ id, body, diagnosis: { identity } }): Resent => {
        const key = identity && { pk: identity.partition, sk: identity.eventSort };
        return { id, bodyHash: hashOf(body), key, effect: 'waiting' };
      });
      await lookUp(some, 'known');
      resent.push(...some);
    },

    /** Stops following messages that were not sent after all. */
    forget(ids: ReadonlySet<string>): void {
      resent.splice(0, resent.length, ...resent.filter(({ id }) => !ids.has(id)));
    },

    /** Waits until all are stored or back in the DLQ, up to `waitMs`. */
    async watch(context: CliContext, waitMs: number, onBack: (id: string, reason: string) => void) {
      const { now, sleep, signal } = context;
      const deadlineMs = now() + waitMs;
      let lettersAtMs = now() + DLQ_SCAN_INTERVAL_MS;
      for (;;) {
        await lookUp(waiting(), 'stored');
        if (waiting().length > 0 && (now() >= lettersAtMs || now() >= deadlineMs)) {
          await findBack(context, onBack);
          lettersAtMs = now() + DLQ_SCAN_INTERVAL_MS;
        }
        if (waiting().length === 0 || now() >= deadlineMs || signal.aborted) break;
        await sleep(POLL_INTERVAL_MS);
      }
      const count = (effect: Effect) => resent.filter((each) => each.effect === effect).length;
      return { known: count('known'), stored: count('stored'), back: count('back'), waiting: count('waiting') };
    },
  };

  /** Finds redriven messages in the DLQ by body: their ids have changed. */
  async function findBack(context: CliContext, onBack: (id: string, reason: string) => void): Promise<void> {
    const own = new Set(resent.map(({ id }) => id));
    for await (const letter of scanDeadLetters(deadLetters, context)) {
      const hash = hashOf(letter.body);
      const found = own.has(letter.id) ? undefined : waiting().find(({ bodyHash }) => bodyHash === hash);
      if (found === undefined) continue;
      found.effect = 'back';
      onBack(letter.id, letter.reason);
    }
  }
}

type Effects = ReturnType<typeof createEffects>;

const hashOf = (body: string) => createHash('sha256').update(body).digest('base64');
