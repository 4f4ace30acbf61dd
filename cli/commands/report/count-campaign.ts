import { createHash } from 'node:crypto';
import { createCampaignReader } from '../../../lambdas/adapters/table/events/campaign-reader.ts';
import type { LedgerTable } from '../../../lambdas/adapters/table/ledger-table.ts';
import {
  addPeople,
  MailCounter,
  type MailCounts,
  type PeopleCounts,
  peopleCounts,
} from '../../../lambdas/domain/campaign/counts.ts';
import type { Stretch } from '../../../lambdas/domain/campaign/stretches.ts';
import { eachOf } from '../../../lambdas/domain/concurrency.ts';
import type { CliContext } from '../../command.ts';
import { number } from '../../output.ts';
import { withSpills } from './spill.ts';

type Reader = ReturnType<typeof createCampaignReader>;
/** One message at one recipient, and what became of it. */
export type ReportedMail = ReturnType<Reader['mails']> extends AsyncIterable<infer Each> ? Each : never;

/** What a report counts. */
export interface CampaignCounts {
  readonly mails: MailCounts;
  readonly people: PeopleCounts;
  /** Epoch milliseconds; undefined where there is no mail. */
  readonly firstAtMs: number | undefined;
}

const AT_ONCE = 25;
const PROGRESS_MESSAGES = 10_000;

/**
 * Counts the mail that was sent under a tag, and calls with each failed one. What it holds in memory does not grow with
 * the campaign. Returns undefined where it was interrupted.
 */
export function countCampaign(
  context: Pick<CliContext, 'signal' | 'printError'>,
  table: LedgerTable,
  { domain, tag, stretches }: { domain: string; tag: string; stretches: readonly Stretch[] },
  onFailure: (mail: ReportedMail) => void,
): Promise<CampaignCounts | undefined> {
  const reader = createCampaignReader(table);
  return withSpills(async (createSpill) => {
    const messages = createSpill('messages');
    for await (const { partitions } of reader.messages(domain, tag, stretches)) {
      if (context.signal.aborted) return undefined;
      for (const partition of partitions) messages.add(partition, JSON.stringify(partition));
    }
    const people = createSpill('people');
    const counter = new MailCounter();
    let firstAtMs: number | undefined;
    let done = 0;
    const count = (each: ReportedMail) => {
      const bits = counter.add(each.mail);
      if (bits === undefined) return;
      const person = createHash('sha256').update(each.recipientKey).digest('hex').slice(0, 32);
      people.add(person, `${person} ${bits}`);
      firstAtMs = Math.min(firstAtMs ?? each.firstAtMs, each.firstAtMs);
      if (each.mail.failure !== undefined) onFailure(each);
    };
    for (const lines of messages.files()) {
      await eachOf(new Set(lines), AT_ONCE, async (line) => {
        if (context.signal.aborted) return;
        for await (const each of reader.mails(JSON.parse(line) as string)) count(each);
        done += 1;
        if (done % PROGRESS_MESSAGES === 0) context.printError(`${number(done)} messages read so far`);
      });
      if (context.signal.aborted) return undefined;
    }
    return { mails: counter.counts(), people: sumOf(people.files()), firstAtMs };
  });
}

/** The files have no person in common. */
function sumOf(files: Iterable<string[]>): PeopleCounts {
  let sum = peopleCounts([]);
  for (const lines of files) {
    const people = new Map<string, number>();
    for (const line of lines) {
      const [person = '', bits] = line.split(' ');
      people.set(person, (people.get(person) ?? 0) | Number(bits));
    }
    sum = addPeople(sum, peopleCounts(people.values()));
  }
  return sum;
}
