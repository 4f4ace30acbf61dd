import type { CampaignFailureEntry, CampaignResponse } from '../../../api/responses/campaign.ts';
import { MAX_SLICE_SECONDS } from '../../contract.ts';
import { MailCounter, peopleCounts } from '../../domain/campaign/counts.ts';
import { completeFrom, heldFromOf } from '../../domain/campaign/held.ts';
import type { RecipientMail } from '../../domain/campaign/recipient-mail.ts';
import { stretchesWithTag, type TaggedSlice, taggedSlice } from '../../domain/campaign/stretches.ts';
import { eachOf } from '../../domain/concurrency.ts';
import { CompletenessCheck, dueEndOf } from '../../domain/ledger/completeness.ts';
import { addAll, type Counts } from '../../domain/ledger/counts.ts';
import type { CampaignReader } from '../ports.ts';
import type { LedgerDeps, LedgerQuery } from './ledger.ts';

export interface CampaignDeps extends Omit<LedgerDeps, 'ledger' | 'witness' | 'listing'> {
  campaigns: CampaignReader;
  /** How long the table keeps events. */
  retentionDays: number;
}

export interface CampaignQuery extends LedgerQuery {
  /** In lower case. */
  tag: string;
}

/** The most that one response may read, within the function's time and memory. */
const MAX_EVENTS_READ = 20_000;
const MAX_MESSAGES = 5000;
const MAX_MAIL_EVENTS = 25_000;
const MAX_FAILURES = 1000;
/** How long after the last mail the ledger is looked at. */
const MAX_FOLLOWED_SECONDS = 31 * 86_400;
const MINUTE_MS = 60_000;
/** Messages read at once. */
const AT_ONCE = 25;

/**
 * The report of a campaign: mail that was sent under a tag in a time, with all that became of it until now, whatever
 * its tags: a delayed bounce has none. A campaign that is too large for one response has only the ledger's counts.
 */
export function createCampaigns(deps: CampaignDeps) {
  const { campaigns, slices, sliceSeconds, settleSeconds, retentionDays, now } = deps;
  return async ({ domain, tag, from, to }: CampaignQuery): Promise<CampaignResponse> => {
    const nowMs = now();
    const until = Math.min(Math.floor(nowMs / 1000), to + MAX_FOLLOWED_SECONDS);
    const outlines: TaggedSlice[] = [];
    const listed: Counts = {};
    for await (const slice of slices.list(domain, from - MAX_SLICE_SECONDS, until)) {
      const outline = taggedSlice(slice, tag);
      outlines.push(outline);
      if (slice.start >= from) addAll(listed, outline.counts);
    }
    const sending = outlines.filter(({ start, end }) => end > from && start < to);
    const stretches = stretchesWithTag(sending, { fromMs: from * 1000, toMs: Math.min(to * 1000, nowMs) });
    const partitions = await messagesOf(campaigns, domain, tag, stretches);
    const found = partitions && (await countMails(campaigns, partitions));
    const firstSlice = sending.find(({ mayHoldMail }) => mayHoldMail)?.start ?? from;
    const check = new CompletenessCheck(
      found?.firstAtMs === undefined ? firstSlice : Math.floor(found.firstAtMs / 1000),
    );
    for (const outline of outlines) check.take(outline);
    // To the minute, so that an unchanged report keeps its ETag for a while.
    const asOfMs = nowMs - (nowMs % MINUTE_MS);
    const held = completeFrom(from, retainedFromOf(asOfMs, retentionDays), outlines, new Set());
    const settled = check.result(until, dueEndOf(nowMs, sliceSeconds, settleSeconds));
    return {
      ...{ tag, domain, from, to },
      asOf: new Date(asOfMs).toISOString(),
      // The ledger accounts for what is no longer there to be counted.
      completeness: held !== undefined && settled === 'complete' ? 'unknown' : settled,
      completeFrom: held ?? null,
      listed,
      ...(outlines.some(({ isCut }) => isCut) && { cut: true }),
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

/** Returns what became of the mails of messages; undefined where they are too many. */
async function countMails(campaigns: CampaignReader, messages: ReadonlySet<string>) {
  const counter = new MailCounter();
  const people = new Map<string, number>();
  const failures: CampaignFailureEntry[] = [];
  let firstAtMs: number | undefined;
  let events = 0;
  await eachOf(messages, AT_ONCE, async (partition) => {
    if (events > MAX_MAIL_EVENTS) return;
    for await (const each of campaigns.mails(partition)) {
      events += each.events;
      const bits = counter.add(each.mail);
      if (bits === undefined) continue;
      firstAtMs = Math.min(firstAtMs ?? each.firstAtMs, each.firstAtMs);
      people.set(each.recipientKey, (people.get(each.recipientKey) ?? 0) | bits);
      if (each.mail.failure && failures.length < MAX_FAILURES) failures.push(failureEntry(each, each.mail.failure));
    }
  });
  if (events > MAX_MAIL_EVENTS) return undefined;
  failures.sort((a, b) => a.at - b.at || ((a.recipient ?? '') < (b.recipient ?? '') ? -1 : 1));
  return { mails: counter.counts(), people: peopleCounts(people.values()), failures, firstAtMs };
}

function failureEntry(
  { recipient, messageId }: RecipientMail,
  { atMs, ...rest }: NonNullable<RecipientMail['mail']['failure']>,
): CampaignFailureEntry {
  return { recipient, messageId, at: atMs / 1000, ...rest };
}
