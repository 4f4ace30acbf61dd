import type { CampaignFailureEntry, CampaignResponse } from '../../../api/responses/campaign.ts';
import { DAY_SECONDS, MAX_SLICE_SECONDS } from '../../contract.ts';
import { MailCounter, peopleCounts } from '../../domain/campaign/counts.ts';
import { mergedMails, type RecipientMail } from '../../domain/campaign/recipient-mail.ts';
import { completeFrom, mailCompleteFrom, retainedFromOf } from '../../domain/campaign/retained-events.ts';
import {
  LOOK_BACK_SECONDS,
  type TaggedSlice,
  taggedSlice,
  timeRangesWithTag,
} from '../../domain/campaign/tagged-slices.ts';
import { eachOf, READS_AT_ONCE } from '../../domain/concurrency.ts';
import { CompletenessCheck, dueEndOf } from '../../domain/ledger/completeness.ts';
import { addAll, type Counts } from '../../domain/ledger/counts.ts';
import { withoutErased } from '../../shared/without-erased.ts';
import type { CampaignReader } from '../ports.ts';
import type { FoundEvents, ReadArchivedCampaign } from './archived-campaign.ts';
import type { LedgerDeps, LedgerQuery } from './ledger.ts';

export interface CampaignDeps extends Omit<LedgerDeps, 'ledger' | 'witness' | 'listing'> {
  campaigns: CampaignReader;
  /** Days that the table keeps events. */
  retentionDays: number;
  /** Reads events that left the table; undefined without an archive. */
  archive?:
    | {
        read: ReadArchivedCampaign;
        /** Called when a report begins: until then the archive may be read, and the rest of the time is the table's. */
        startDeadline: () => AbortSignal;
      }
    | undefined;
}

interface CampaignQuery extends LedgerQuery {
  /** In lower case. */
  tag: string;
}

/** The most that one response may read, within the function's time and memory. */
const MAX_EVENTS_READ = 20_000;
const MAX_MESSAGES = 5000;
const MAX_MAIL_EVENTS = 25_000;
const MAX_FAILURES = 1000;
/** Time after the last mail for which the ledger is read. */
const MAX_FOLLOWED_SECONDS = 31 * DAY_SECONDS;
/**
 * Time before the end of the expired range for which the archive is read; the ledger of that time is read completely.
 */
const MAX_ARCHIVED_SECONDS = 62 * DAY_SECONDS;
const MINUTE_MS = 60_000;

/**
 * Returns the report of a campaign: mail sent under a tag in a time range, with all its later events, whatever their
 * tags (a delayed bounce has none). Events that left the table come from the archive, or are reported as not counted.
 * For a campaign too large for one response, returns only the ledger's counts.
 */
export function createCampaigns(deps: CampaignDeps) {
  const { campaigns, slices, retentionDays, archive, ends, now } = deps;
  return async ({ domain, tag, from, to }: CampaignQuery): Promise<CampaignResponse> => {
    const nowMs = now();
    const deadline = archive?.startDeadline();
    // To the minute, so that an unchanged report keeps its ETag for a while.
    const asOfMs = nowMs - (nowMs % MINUTE_MS);
    const retainedFrom = retainedFromOf(asOfMs, retentionDays);
    const until = Math.min(Math.floor(nowMs / 1000), to + MAX_FOLLOWED_SECONDS);
    const lookBack = from - LOOK_BACK_SECONDS;
    const mayRead = archive !== undefined && lookBack < retainedFrom && retainedFrom - from <= MAX_ARCHIVED_SECONDS;
    const end = mayRead ? Math.max(until, retainedFrom) : until;
    const outlines: TaggedSlice[] = [];
    const listed: Counts = {};
    for await (const slice of slices.list(domain, lookBack - MAX_SLICE_SECONDS, end, ['tags'])) {
      const outline = taggedSlice(slice, tag);
      outlines.push(outline);
      if (slice.start >= from && slice.start < until) addAll(listed, outline.counts);
    }
    const sending = outlines.filter(({ start, end }) => end > from && start < to);
    const time = { fromMs: from * 1000, toMs: to * 1000 };
    const timeRanges = timeRangesWithTag(sending, { ...time, toMs: Math.min(time.toMs, nowMs) });
    const partitions = await messagesOf(campaigns, domain, tag, timeRanges);
    const isLacking =
      partitions !== undefined && completeFrom(lookBack, retainedFrom, outlines, new Set()) !== undefined;
    const readArchive = async () => {
      if (archive === undefined || deadline === undefined || !isLacking) return undefined;
      if (!mayRead) return 'too-large';
      const archivedTime = { from: lookBack, to: retainedFrom };
      return archive.read({ domain, tag, time }, archivedTime, outlines, partitions, deadline);
    };
    const read = await readArchive();
    const archived = typeof read === 'object' ? read : undefined;
    const found = partitions && (await countMails(campaigns, partitions, archived));
    const firstSlice = sending.find(({ mayHoldMail }) => mayHoldMail)?.start ?? from;
    const check = new CompletenessCheck(
      found?.firstAtMs === undefined ? firstSlice : Math.floor(found.firstAtMs / 1000),
    );
    for (const outline of outlines) if (outline.start < until) check.take(outline);
    const archivedSlices = archived?.archived ?? new Set<number>();
    const held = mailCompleteFrom({ from, lookBack, retainedFrom }, outlines, archivedSlices, found?.mails);
    const settled = check.result(until, dueEndOf(nowMs, deps, ends.get(domain)));
    return {
      tag,
      domain,
      from,
      to,
      asOf: new Date(asOfMs).toISOString(),
      // The ledger also covers events that are no longer available to count.
      completeness: held !== undefined && settled === 'complete' ? 'unknown' : settled,
      completeFrom: held ?? null,
      ...(read !== undefined && { archive: typeof read === 'object' ? 'counted' : read }),
      listed,
      ...(outlines.some(({ isCut, start, end }) => isCut && end > from && start < until) && { cut: true }),
      mails: found?.mails ?? null,
      people: found?.people ?? null,
      failures: found?.failures ?? [],
    };
  };
}

/** Returns the messages, each once; undefined where they are too many. */
async function messagesOf(campaigns: CampaignReader, ...query: Parameters<CampaignReader['messages']>) {
  const found = new Set<string>();
  let total = 0;
  for await (const { partitions, read } of campaigns.messages(...query)) {
    total += read;
    for (const partition of partitions) found.add(partition);
    if (found.size > MAX_MESSAGES || total > MAX_EVENTS_READ) return undefined;
  }
  return found;
}

/** Returns the outcomes of messages; undefined if there are too many. */
async function countMails(campaigns: CampaignReader, stored: ReadonlySet<string>, archived: FoundEvents | undefined) {
  const messages = new Set(stored);
  for (const [partition, own] of archived?.events ?? [])
    if (own.some(({ isSending }) => isSending)) messages.add(partition);
  if (messages.size > MAX_MESSAGES) return undefined;
  const mailsOf = (partition: string) =>
    archived === undefined
      ? campaigns.mails(partition)
      : mergedMails(
          partition,
          archived.events.get(partition) ?? [],
          campaigns.recipients(partition),
          archived.erasureKey,
        );
  const counter = new MailCounter();
  const people = new Map<string, number>();
  const failed: RecipientMail[] = [];
  let firstAtMs: number | undefined;
  let events = 0;
  await eachOf(messages, READS_AT_ONCE, async (partition) => {
    if (events > MAX_MAIL_EVENTS) return;
    for await (const each of mailsOf(partition)) {
      events += each.events;
      const bits = counter.add(each.mail);
      if (bits === undefined) continue;
      firstAtMs = Math.min(firstAtMs ?? each.firstAtMs, each.firstAtMs);
      people.set(each.recipientKey, (people.get(each.recipientKey) ?? 0) | bits);
      if (each.mail.failure && failed.length < MAX_FAILURES) failed.push(each);
    }
  });
  if (events > MAX_MAIL_EVENTS) return undefined;
  const named = archived === undefined ? failed : await withoutErased(failed, archived.erasures);
  const failures = named.flatMap((each) => (each.mail.failure ? [failureEntry(each, each.mail.failure)] : []));
  failures.sort((a, b) => a.at - b.at || ((a.recipient ?? '') < (b.recipient ?? '') ? -1 : 1));
  return { mails: counter.counts(), people: peopleCounts(people.values()), failures, firstAtMs };
}

function failureEntry(
  { recipient, messageId }: RecipientMail,
  { atMs, ...rest }: NonNullable<RecipientMail['mail']['failure']>,
): CampaignFailureEntry {
  return { recipient, messageId, at: atMs / 1000, ...rest };
}
