import { createEventCorrection } from '../../lambdas/adapters/table/event-repository.ts';
import { type LedgerTable, readPartition } from '../../lambdas/adapters/table/ledger-table.ts';
import {
  createRecipientHistory,
  recipientKeys,
  type SuppressionItem,
} from '../../lambdas/adapters/table/recipient-repository.ts';
import { createDistrustMarks, isMergedCopy } from '../../lambdas/adapters/table/stored-event-repository.ts';
import { retainedFromOf } from '../../lambdas/domain/campaign/retained-events.ts';
import { parseEvent } from '../../lambdas/domain/events/mailgun-event.ts';
import { eventSortPrefix, recipientKey, statusSort } from '../../lambdas/domain/keys.ts';
import { type DecidedStatus, type DecidingEvent, decideStatus } from '../../lambdas/domain/status/decide-status.ts';
import { isSuppressing, suppressionOf } from '../../lambdas/domain/status/suppression.ts';
import { decideAgain } from '../../lambdas/shared/decide-again.ts';
import {
  type CliContext,
  type CommandBuilder,
  confirm,
  ledgerCommand,
  openTarget,
  type TargetOptions,
} from '../command.ts';
import { TargetUnavailableError } from '../errors.ts';
import { checkMessageId, eventOf, type HistoryEvent, type HistoryRecipient, readHistory } from '../event-history.ts';
import { retentionDaysOf, tableOf } from '../ledger.ts';
import { counted, createEmit, plain, printedCommand } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { liftSuppression, readSuppressions } from './suppressions.ts';

/** The lines of `distrust --json`. */
export type DistrustLine =
  | {
      event: 'recipient';
      recipient: string;
      /** Events that Mailgun never listed. */
      unconfirmed: number;
      status: string | null;
      becomes: string | null;
      changes: boolean;
    }
  | {
      event: 'suppression';
      recipient: string;
      domain: string;
      kind: string;
      /** True if it rests on unconfirmed events alone, of whatever message. */
      lifts: boolean;
      /** The command that shows what a lift would do; null where it is lifted here, or no command can name the address. */
      fix: string | null;
    }
  | { event: 'plan' | 'distrusted'; messageId: string; statuses: number; suppressions: number; left: number };

interface DistrustOptions extends TargetOptions {
  readonly plan?: boolean;
  readonly yes?: boolean;
}

const EXAMPLES = `
Marks the events that Mailgun never listed as distrusted, decides the status of each recipient again without them, and
lifts the suppressions that only such events caused, those of other messages included. A distrusted event decides
nothing from then on, even if it comes again. None is deleted: they stay unconfirmed, and accept closes their slice. Once
reconciliation finds that Mailgun lists one, it decides the status again; what was lifted stays lifted. Subscribers and
receivers get both.

Examples:
  npm run ledger -- distrust 20261122080000.1.ABCDEF@mg.example.com --env prod --plan
  npm run ledger -- distrust 20261122080000.1.ABCDEF@mg.example.com ada@example.org --env prod
  npm run ledger -- distrust 20261122080000.1.ABCDEF@mg.example.com --local --yes --json

Needs on AWS: dynamodb:Query, dynamodb:GetItem and dynamodb:UpdateItem on the table, dynamodb:Query on its index
byRecipient.`;

export const distrustCommand: CommandBuilder = (context, run) =>
  ledgerCommand('distrust', "discard the effect of a message's unconfirmed events")
    .argument('<message-id>', 'the Message-Id of the mail')
    .argument('[recipient]', 'only this recipient (all of the message)')
    .option('--plan', 'only show what would be changed')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXAMPLES)
    .action(
      run<DistrustOptions>((options, messageId = '', recipient) => distrust(context, options, messageId, recipient)),
    );

async function distrust(
  context: CliContext,
  options: DistrustOptions,
  givenId: string,
  recipient: string | undefined,
): Promise<number> {
  const messageId = checkMessageId(givenId);
  const deployment = await openTarget(context, options);
  const emit = createEmit<DistrustLine>(context, options.json);
  const effects = await effectsOf(deployment, messageId, recipient, context.now());
  for (const effect of effects) {
    for (const line of linesOf(deployment, effect)) emit(line, textOf(line));
  }
  const statuses = effects.filter(({ becomes }) => becomes !== undefined).length;
  const found = effects.flatMap(({ suppressions }) => suppressions);
  const lifted = found.filter(({ isOnly }) => isOnly);
  const sums = { messageId, statuses, suppressions: lifted.length, left: found.length - lifted.length };
  const what = `${statuses === 1 ? '1 status' : `${statuses} statuses`} and ${counted(lifted.length, 'suppression')}`;
  if (options.plan) {
    emit({ event: 'plan', ...sums }, `Plan: ${what} would change; nothing was written.`);
    return 0;
  }
  const isNew = effects.some(({ unconfirmed }) =>
    unconfirmed.some(({ distrustedAtMs }) => distrustedAtMs === undefined),
  );
  if (isNew || statuses + lifted.length > 0) {
    await confirm(context, options.yes, `Discard what followed (${what}) in ${deployment.name}?`);
  }
  for (const { history, unconfirmed, suppressions } of effects) {
    await discard(deployment, history, unconfirmed, context.now());
    for (const { item, isOnly } of suppressions) {
      // With the current time, it would void a genuine event that arrives meanwhile.
      if (isOnly) await liftSuppression(deployment, item, item.lastAtMs);
    }
  }
  emit({ event: 'distrusted', ...sums }, `Discarded: ${what}.`);
  return sums.left === 0 ? 0 : 1;
}

/** The effects of the unconfirmed events of one recipient. */
interface Effect {
  readonly history: HistoryRecipient;
  readonly unconfirmed: HistoryRecipient['events'];
  /** The new status; undefined where it stays. */
  readonly becomes: DecidedStatus | undefined;
  readonly suppressions: readonly FollowingSuppression[];
}

interface FollowingSuppression {
  readonly item: SuppressionItem;
  /** True if it rests on unconfirmed events alone. */
  readonly isOnly: boolean;
}

async function effectsOf(
  deployment: Deployment,
  messageId: string,
  recipient: string | undefined,
  nowMs: number,
): Promise<Effect[]> {
  const history = await readHistory(deployment, messageId);
  const wanted = history.filter(({ key }) => recipient === undefined || key === recipientKey(recipient));
  const read = createSuppressionReader(deployment);
  const effects: Effect[] = [];
  for (const each of wanted) {
    const unconfirmed = each.events.filter(({ unconfirmedSinceMs }) => unconfirmedSinceMs !== undefined);
    const becomes = changeOf(each, nowMs);
    if (unconfirmed.length === 0 && becomes === undefined) continue;
    effects.push({
      history: each,
      unconfirmed,
      becomes,
      suppressions: await suppressionsOf(deployment, read, unconfirmed, nowMs),
    });
  }
  if (effects.length > 0) return effects;
  const whose = recipient === undefined ? '' : ` for ${plain(recipient)}`;
  throw new TargetUnavailableError(
    wanted.length === 0
      ? `nothing is stored of the message ${plain(messageId)}${whose}; check the id, upper and lower case included`
      : `no event of the message ${plain(messageId)}${whose} is unconfirmed; why shows them`,
  );
}

async function suppressionsOf(
  deployment: Deployment,
  read: SuppressionReader,
  events: HistoryRecipient['events'],
  nowMs: number,
) {
  const found = new Map<string, FollowingSuppression>();
  for (const event of events) {
    for (const item of await causedSuppressions(read, event)) {
      if (!found.has(item.sk)) found.set(item.sk, { item, isOnly: await isOnlyUnconfirmed(deployment, item, nowMs) });
    }
  }
  return [...found.values()];
}

type EffectLine = Extract<DistrustLine, { event: 'recipient' | 'suppression' }>;

function linesOf(deployment: Deployment, { history, unconfirmed, becomes, suppressions }: Effect): EffectLine[] {
  const { recipient, status } = history;
  return [
    {
      event: 'recipient',
      recipient,
      unconfirmed: unconfirmed.length,
      status,
      becomes: becomes === undefined ? status : becomes.status,
      changes: becomes !== undefined,
    },
    ...suppressions.map(({ item: { domain, kind, recipient: address }, isOnly }) => ({
      ...({ event: 'suppression', recipient, domain, kind, lifts: isOnly } as const),
      fix: isOnly
        ? null
        : (printedCommand(deployment, `suppressions lift --plan --kind ${kind} --domain ${domain}`, address) ?? null),
    })),
  ];
}

function textOf(line: EffectLine): string {
  if (line.event === 'recipient') {
    const { recipient, unconfirmed, status, becomes, changes } = line;
    const change = changes
      ? `${status ?? 'no status'} becomes ${becomes ?? 'no status'}`
      : `${status ?? 'no status'} stays`;
    return `${plain(recipient)}: ${counted(unconfirmed, 'unconfirmed event')}; ${change}`;
  }
  const { recipient, domain, kind, lifts, fix } = line;
  const other = `also rests on other events${fix === null ? '' : `; if those are forged too, this shows what a lift would do: ${fix}`}`;
  return `${plain(recipient)}: ${kind} at ${domain} ${lifts ? 'is lifted' : other}`;
}

/** Returns what a recipient's events decide once those that Mailgun never listed are distrusted; undefined to leave it. */
function changeOf({ status, decidedBy, events }: HistoryRecipient, nowMs: number): DecidedStatus | undefined {
  const deciding = events.flatMap(({ event, unconfirmedSinceMs, ...rest }): DecidingEvent[] =>
    event === undefined ? [] : [{ ...rest, event, ...(unconfirmedSinceMs !== undefined && { distrustedAtMs: nowMs }) }],
  );
  // A status may depend on an event that is not stored yet, or no longer.
  if (deciding.every(({ eventKey }) => eventKey !== decidedBy)) return undefined;
  const becomes = decideStatus(deciding);
  const isSame = becomes?.eventKey === decidedBy && becomes?.status === status;
  return isSame ? undefined : becomes;
}

/** Marks events before the status is decided without them, so that whoever decides it later leaves them out too. */
async function discard(
  deployment: Deployment,
  { key, events }: HistoryRecipient,
  unconfirmed: readonly HistoryEvent[],
  nowMs: number,
): Promise<void> {
  const table = tableOf(deployment);
  const marks = createDistrustMarks(table);
  for (const event of unconfirmed) await marks.mark(event, nowMs);
  const { partition, eventSort, eventKey } = events[0] as HistoryEvent;
  const record = { identity: { partition, eventSort, eventKey, statusSort: statusSort(key) } };
  if (await decideAgain(createEventCorrection(table), record)) return;
  throw new TargetUnavailableError(`the status of ${key} keeps changing; run the same command again`);
}

/** Reads the suppressions of an address. */
export type SuppressionReader = (address: string) => Promise<SuppressionItem[]>;

/** Returns a reader that reads each address once: a forged burst is of few addresses. */
export function createSuppressionReader(deployment: Deployment): SuppressionReader {
  const known = new Map<string, Promise<SuppressionItem[]>>();
  return (address) => {
    const items = known.get(address) ?? readSuppressions(deployment, address);
    known.set(address, items);
    return items;
  };
}

/** Returns the suppressions in force that an event causes, alone or with others. */
export async function causedSuppressions(
  read: SuppressionReader,
  { event, domain }: HistoryEvent,
): Promise<SuppressionItem[]> {
  const parsed = event && parseEvent(event);
  const kind = parsed && suppressionOf(parsed)?.kind;
  if (parsed?.recipient === undefined || kind === undefined) return [];
  const items = await read(parsed.recipient);
  return items.filter((item) => item.kind === kind && item.domain === domain && isSuppressing(item));
}

/** Messages whose events are read at one time. */
const MESSAGES_AT_ONCE = 25;

/**
 * Returns true if an active suppression rests only on events that Mailgun never listed. A cause that is no longer
 * stored counts as listed; so does a suppression that began before the retention of events or was lifted once, since
 * later causes may be gone, and one taken from Mailgun's own list.
 */
async function isOnlyUnconfirmed(deployment: Deployment, item: SuppressionItem, nowMs: number): Promise<boolean> {
  const { eventKey, sinceMs, lastAtMs, liftedAtMs } = item;
  if (liftedAtMs !== null || sinceMs < retainedFromOf(nowMs, retentionDaysOf(deployment) ?? 0) * 1000) return false;
  let [hasFirst, hasLast] = [false, false];
  for await (const cause of causesOf(deployment, item)) {
    if (cause.unconfirmedSinceMs === undefined) return false;
    hasFirst ||= cause.eventKey === eventKey && cause.atMs === sinceMs;
    hasLast ||= cause.atMs === lastAtMs;
  }
  return hasFirst && hasLast;
}

/** Yields the stored events with the same suppression as this item, among the messages of its recipient. */
async function* causesOf(deployment: Deployment, item: SuppressionItem): AsyncGenerator<HistoryEvent> {
  const table = tableOf(deployment);
  const history = createRecipientHistory(table);
  const always = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  for (const key of recipientKeys(item.recipient)) {
    let page: Awaited<ReturnType<typeof history.newest>> | undefined;
    do {
      page = await history.newest(key, always, MESSAGES_AT_ONCE, page?.places.at(-1));
      const events = await Promise.all(page.places.map(({ partition }) => eventsOf(table, partition, key)));
      yield* events.flat().filter((event) => isCause(event, item));
    } while (page.hasMore);
  }
}

async function eventsOf(table: LedgerTable, partition: string, recipient: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for await (const item of readPartition(table, partition, { prefix: eventSortPrefix(recipient) })) {
    if (!isMergedCopy(item)) events.push(eventOf(item));
  }
  return events;
}

function isCause({ event, domain }: HistoryEvent, { kind, domain: suppressedAt }: SuppressionItem): boolean {
  return domain === suppressedAt && event !== undefined && suppressionOf(parseEvent(event))?.kind === kind;
}
