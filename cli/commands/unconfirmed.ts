import { createDayIndexTable } from '../../lambdas/adapters/table/events/day-index.ts';
import { createSlicesTable } from '../../lambdas/adapters/table/ledger/slice-repository.ts';
import { batchGetAll, type LedgerTable } from '../../lambdas/adapters/table/ledger-table.ts';
import { MAX_SLICE_SECONDS, secondPassSeconds } from '../../lambdas/contract.ts';
import type { StoredKey } from '../../lambdas/domain/events/day-index.ts';
import { eventName, messageIdOf, textAt, UNKNOWN_DOMAIN } from '../../lambdas/domain/events/event.ts';
import { messageIdInPartition, nameInEventKey, parseMessageSort } from '../../lambdas/domain/keys.ts';
import { total } from '../../lambdas/domain/ledger/counts.ts';
import {
  type CliContext,
  type CommandBuilder,
  checkDomain,
  ledgerCommand,
  openTarget,
  type TargetOptions,
  timeOption,
} from '../command.ts';
import { eventOf, type HistoryEvent } from '../event-history.ts';
import { ledgerTimes, tableOf } from '../ledger.ts';
import { counted, createEmit } from '../output.ts';
import type { Deployment } from '../target/types.ts';
import { iso, timeText } from '../time.ts';
import { plain } from './why/explain.ts';

/** The lines of `unconfirmed --json`: one for each event, then what was searched. */
export type UnconfirmedLine =
  | {
      event: 'unconfirmed';
      domain: string;
      /** Null where the event names no message, or its recipient was erased. */
      messageId: string | null;
      /** As part of the keys where the recipient was erased. */
      recipient: string;
      type: string;
      at: string;
      receivedAt: string | null;
      /** When the second pass found that Mailgun does not list it. */
      unconfirmedSince: string;
    }
  | {
      event: 'searched';
      domains: string[];
      since: string;
      slices: number;
      found: number;
      /** Not listed so far, and still to be looked for by the second pass. */
      undecided: number;
    };

interface UnconfirmedOptions extends TargetOptions {
  readonly domain?: string;
  /** Epoch seconds. */
  readonly since?: number;
}

const DAY_SECONDS = 86_400;

const EXAMPLES = `
Unconfirmed is what Mailgun had not listed after the second pass: possibly forged, or missing in Mailgun's listing.
A slice is left out once all that is unconfirmed in it is accepted. Look at one with why <message-id>.

Examples:
  npm run ledger -- unconfirmed --env prod
  npm run ledger -- unconfirmed --env prod --domain mg.example.com --since 2026-11-01
  npm run ledger -- unconfirmed --local --json

Needs on AWS: dynamodb:Query and dynamodb:BatchGetItem on the table, dynamodb:Query on its index byDay.

Exit code: 0 listed, also where there is none; 1 the stack cannot be reached; 2 wrong usage.`;

export const unconfirmedCommand: CommandBuilder = (context, run) =>
  ledgerCommand('unconfirmed', 'list stored events that Mailgun never listed')
    .option('--domain <name>', 'only this sending domain, - for events that name none (all)')
    .option(
      '--since <time>',
      'events that happened since then (two days before the second pass)',
      timeOption('since', context),
    )
    .addHelpText('after', EXAMPLES)
    .action(run<UnconfirmedOptions>((options) => unconfirmed(context, options)));

async function unconfirmed(context: CliContext, options: UnconfirmedOptions): Promise<number> {
  const deployment = await openTarget(context, options);
  if (options.domain !== undefined) checkDomain(deployment, options.domain);
  const domains = options.domain === undefined ? [...deployment.domains, UNKNOWN_DOMAIN] : [options.domain];
  const nowSeconds = Math.ceil(context.now() / 1000);
  const since = options.since ?? nowSeconds - 2 * DAY_SECONDS - secondPassOf(ledgerTimes(deployment));
  const emit = createEmit<UnconfirmedLine>(context, options.json);

  const sums = { slices: 0, found: 0, undecided: 0 };
  for (const domain of domains) {
    for await (const { slices, undecided, events } of findUnconfirmed(deployment, domain, since, nowSeconds)) {
      sums.slices += slices;
      sums.undecided += undecided;
      sums.found += events.length;
      for (const event of events) {
        const line = lineOf(event, domain);
        emit(line, textOf(line));
      }
    }
  }
  emit(
    { event: 'searched', domains, since: timeText(since), ...sums },
    `${sums.found === 0 ? 'No event is unconfirmed' : `${counted(sums.found, 'event')} unconfirmed`}: searched ` +
      `${counted(sums.slices, 'slice')} of ${domains.join(', ')} since ${timeText(since)}.`,
    ...(sums.undecided === 0
      ? []
      : [`${counted(sums.undecided, 'event')} not listed so far; the second pass looks for them once more.`]),
  );
  return 0;
}

const secondPassOf = ({ retentionSeconds, settleSeconds }: { retentionSeconds: number; settleSeconds: number }) =>
  secondPassSeconds(retentionSeconds) + settleSeconds;

type EventLine = UnconfirmedLine & { event: 'unconfirmed' };

function lineOf(stored: HistoryEvent & { unconfirmedSinceMs: number }, domain: string): EventLine {
  const { partition, eventSort, event, atMs, receivedAtMs, unconfirmedSinceMs } = stored;
  const { recipientKey, eventKey = '' } = parseMessageSort(eventSort);
  return {
    event: 'unconfirmed',
    domain,
    messageId: messageIdInPartition(partition) ?? (event && messageIdOf(event)) ?? null,
    recipient: (event && textAt(event, 'recipient')) ?? recipientKey,
    type: event ? eventName(event) : nameInEventKey(eventKey),
    at: iso(atMs),
    receivedAt: receivedAtMs === undefined ? null : iso(receivedAtMs),
    unconfirmedSince: iso(unconfirmedSinceMs),
  };
}

function textOf({ domain, messageId, recipient, type, at, receivedAt }: EventLine): string {
  const received = receivedAt === null ? '' : `, received ${receivedAt}`;
  return `${plain(domain)}  ${plain(type)} at ${at}${received}  ${plain(recipient)}  ${plain(messageId ?? 'no message id')}`;
}

/** An event that the second pass marked. */
export type UnconfirmedEvent = HistoryEvent & { readonly unconfirmedSinceMs: number };

/** What one slice adds. */
export interface Finding {
  readonly slices: 1;
  /** Events that the second pass has yet to look for. */
  readonly undecided: number;
  readonly events: UnconfirmedEvent[];
}

/** Looks through the slices of a domain from one time to another (epoch seconds), and into those that count any. */
export async function* findUnconfirmed(
  deployment: Deployment,
  domain: string,
  since: number,
  until: number,
): AsyncGenerator<Finding> {
  const table = tableOf(deployment);
  for await (const slice of createSlicesTable(table).list(domain, since - MAX_SLICE_SECONDS, until)) {
    if (slice.end <= since) continue;
    const count = total(slice.unconfirmed);
    if (count === 0 || slice.finalAt === null) {
      yield { slices: 1, undecided: count, events: [] };
      continue;
    }
    const fromMs = Math.max(slice.start, since) * 1000;
    const keys = await createDayIndexTable(table).keys(domain, fromMs, slice.end * 1000 - 1);
    yield { slices: 1, undecided: 0, events: await readMarked(table, keys) };
  }
}

async function readMarked(table: LedgerTable, keys: readonly StoredKey[]): Promise<UnconfirmedEvent[]> {
  const Keys = keys.map(({ partition, eventSort }) => ({ pk: partition, sk: eventSort }));
  const events = (await batchGetAll(table, { Keys })).map(eventOf);
  return events.filter(isMarked).toSorted((a, b) => a.atMs - b.atMs);
}

const isMarked = (event: HistoryEvent): event is UnconfirmedEvent => event.unconfirmedSinceMs !== undefined;
