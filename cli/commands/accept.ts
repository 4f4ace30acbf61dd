import { createSliceRepository } from '../../lambdas/adapters/table/slice-repository.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import { doubtsOf, type Slice, stateOf, troublesIn } from '../../lambdas/domain/ledger/slice.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkDomain,
  confirm,
  ledgerCommand,
  openTarget,
  type TargetOptions,
} from '../command.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';
import { sliceAt, tableOf } from '../ledger.ts';
import { counted, createEmit, plain } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { iso, parsePastTime, timeText } from '../time.ts';

/** Lines of `accept --json`: the slice after its last pass, then the result. */
export type AcceptLine =
  | {
      event: 'slice';
      domain: string;
      start: string;
      end: string;
      state: ReturnType<typeof stateOf>;
      missing: number;
      altered: number;
      short: number;
      unconfirmed: number;
      /** From earlier acceptances. */
      accepted: number;
      acceptedBefore: { reason: string; at: string } | null;
    }
  | { event: 'nothing-to-accept' }
  | { event: 'plan'; events: number }
  | { event: 'accepted'; domain: string; start: string; end: string; accepted: number; reason: string }
  | ({ event: 'not-accepted' } & Refusal);

interface AcceptOptions extends TargetOptions {
  readonly domain: string;
  readonly reason: string;
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const EXAMPLES = `
Use it for a slice that cannot settle by itself: events are stuck, Mailgun's listing has shrunk, or stored events were
never listed. The slice is compared again. Events that still differ are accepted by name, with the reason; new
differences count again. No event is changed or deleted.
Find the cause first: accepted events raise no alarm.

Examples:
  npm run ledger -- accept 2026-11-22T08:00Z --domain mg.example.com --reason "test of the old key" --local --plan
  npm run ledger -- accept 1795334400 --domain mg.example.com --reason "Mailgun's incident of that day" --env prod
  npm run ledger -- accept 3h --domain mg.example.com --reason "larger than the queue takes" --env prod --yes --json

Needs on AWS: dynamodb:Query on the table, lambda:InvokeFunction on the reconcile function.`;

export const acceptCommand: CommandBuilder = (context, run) =>
  ledgerCommand('accept', 'close a slice of the ledger that cannot settle by itself, with a reason')
    .argument('<time>', 'any moment in the slice: ISO 8601 with offset, epoch seconds, or 2h ago')
    .requiredOption('--domain <name>', 'the sending domain, - for events that name none')
    .requiredOption('--reason <text>', 'the reason, kept in the ledger: name no recipient')
    .option('--plan', 'only show the slice; nothing is written')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXAMPLES)
    .action(run<AcceptOptions>((options, time = '') => accept(context, options, time)));

async function accept(context: CliContext, options: AcceptOptions, time: string): Promise<number> {
  const at = parsePastTime('<time>', time, context.now());
  const reason = options.reason.trim();
  const { domain } = options;
  if (reason === '') throw new UsageError('--reason is empty');
  const deployment = await openTarget(context, options);
  checkDomain(deployment, domain);
  const emit = createEmit<AcceptLine>(context, options.json);

  const slice = await sliceAt(createSliceRepository(tableOf(deployment)), domain, at);
  const refuse = (refusal: Refusal) => {
    emit({ event: 'not-accepted', ...refusal }, `Not accepted: ${refusal.why}.`, refusal.whatToDo);
    return 1;
  };
  if (slice === undefined) return refuse(refusalOf({ state: 'unknown-slice', accepted: 0 }));
  emit(sliceLine(slice), ...sliceText(slice));
  const troubles = troublesIn(slice);
  if (troubles === 0) {
    emit({ event: 'nothing-to-accept' }, 'There is nothing to accept: every event adds up, or is accepted already.');
    return 0;
  }
  if (options.plan) {
    emit({ event: 'plan', events: troubles }, `Plan: ${counted(troubles, 'event')} would be accepted.`);
    return 0;
  }
  const question = `Accept ${counted(troubles, 'event')} of this slice of ${deployment.name}?`;
  await confirm(context, options.yes, question);

  const result = await call(deployment, { domain, atEpochSeconds: at, reason });
  if (result.state !== 'accepted') return refuse(refusalOf(result));
  const { accepted } = result;
  const bounds = { start: timeText(slice.start), end: timeText(slice.end) };
  emit(
    { event: 'accepted', domain, ...bounds, accepted, reason },
    `Accepted: ${counted(accepted, 'event')} of ${domain}, ${bounds.start} to ${bounds.end}, reason: ${plain(reason)}`,
  );
  return 0;
}

async function call(deployment: Deployment, request: object) {
  try {
    return parseAcceptResult(await deployment.invoke('reconcile', { accept: request }));
  } catch (cause) {
    if (!(cause instanceof TargetUnavailableError)) throw cause;
    // The function may have accepted it all the same.
    throw new TargetUnavailableError(`${cause.message}; the same command with --plan shows what became of it`, {
      cause,
    });
  }
}

function sliceLine(slice: Slice): AcceptLine {
  const { domain, start, end, short, accepted, acceptance } = slice;
  return {
    event: 'slice',
    domain,
    start: timeText(start),
    end: timeText(end),
    state: stateOf(slice),
    missing: total(slice.missing),
    altered: total(slice.altered),
    short,
    unconfirmed: total(slice.unconfirmed),
    accepted,
    acceptedBefore: acceptance ? { reason: acceptance.reason, at: iso(acceptance.at) } : null,
  };
}

function sliceText(slice: Slice): string[] {
  const { domain, start, end, stuck, short, accepted, acceptance } = slice;
  const counts = [
    `missing       ${total(slice.missing)}${stuck > 0 ? `, of which ${stuck} stuck` : ''}`,
    `altered       ${total(slice.altered)}`,
    `short         ${short}`,
    `unconfirmed   ${total(slice.unconfirmed)}${total(doubtsOf(slice).undecided) > 0 ? ', which Mailgun may still list' : ''}`,
    `accepted      ${accepted}${acceptance ? `, at ${iso(acceptance.at)}, reason: ${plain(acceptance.reason)}` : ''}`,
  ];
  return [
    `${domain}  ${timeText(start)} to ${timeText(end)}  ${stateOf(slice)}, as of ${iso(slice.passedAt)}`,
    ...counts.map((line) => `  ${line}`),
  ];
}

/** The reconcile function's result of an acceptance. */
interface AcceptResult {
  readonly state: string;
  readonly accepted: number;
  /** Why Mailgun's listing could not be read. */
  readonly reason?: string;
}

/** Why nothing was accepted, and what to do. */
interface Refusal {
  readonly state: string;
  readonly why: string;
  readonly whatToDo: string;
}

/** Checks the result: an earlier version of the function takes the call for a scheduled run. */
function parseAcceptResult(value: unknown): AcceptResult {
  const result = value as AcceptResult | null;
  if (typeof result?.state === 'string' && typeof result.accepted === 'number') return result;
  throw new TargetUnavailableError('the stack cannot accept slices; deploy this version first');
}

const AGAIN = 'Run the same command again';

const REFUSALS: Readonly<Record<string, readonly [why: string, whatToDo: string]>> = {
  'unknown-slice': [
    'the ledger has no slice at that time, or Mailgun may still list events of it',
    'Check time and domain. Time before the ledger began: replay it first. Recent time: wait for the next runs.',
  ],
  'too-many': [
    'more events do not add up than a slice can name',
    'Find the cause first: redrive dead letters, or replay that time, until less is left.',
  ],
  paused: ['time was up before the whole slice was compared', `${AGAIN}: it compares the slice from the start.`],
  busy: ['another run of reconcile is at work', `${AGAIN} in a minute.`],
  off: [
    'the stack has no Mailgun API key, and the slice is compared once more before anything is accepted',
    'Set one: npm run ledger -- keys set --api-key',
  ],
  'unknown-domain': ['the deployed stack does not know the domain', 'Deploy the configuration that names it.'],
};

/** Returns the result in words; a state that this version does not know, by its name. */
function refusalOf({ state, reason }: AcceptResult): Refusal {
  if (state === 'failed') {
    const why = `Mailgun's listing is ${reason ?? 'not to be read'}`;
    return { state, why, whatToDo: `docs/runbook.md, watermark-too-old, says what to do about each such reason.` };
  }
  const [why, whatToDo] = REFUSALS[state] ?? [`reconcile returned ${state}`, 'See: npm run ledger -- logs reconcile'];
  return { state, why, whatToDo };
}
