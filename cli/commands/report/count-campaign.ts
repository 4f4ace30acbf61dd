import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { SizedObject } from '../../../lambdas/adapters/archive/archive-bucket.ts';
import type { createCampaignReader } from '../../../lambdas/adapters/table/day-index-repository.ts';
import type { createErasureRepository } from '../../../lambdas/adapters/table/event-repository.ts';
import {
  type ArchivedCampaign,
  type ArchivedEvent,
  archivedEventOf,
} from '../../../lambdas/domain/campaign/archived-event.ts';
import {
  addPeople,
  MailCounter,
  type MailCounts,
  type PeopleCounts,
  peopleCounts,
} from '../../../lambdas/domain/campaign/counts.ts';
import { mergedMails, type RecipientMail } from '../../../lambdas/domain/campaign/recipient-mail.ts';
import { eachOf } from '../../../lambdas/domain/concurrency.ts';
import type { TimeRange } from '../../../lambdas/domain/events/day-index.ts';
import { withoutErased } from '../../../lambdas/shared/without-erased.ts';
import { type ArchiveSource, rowGroups } from '../../certificates/archive-source.ts';
import type { CliContext } from '../../command.ts';
import { number } from '../../output.ts';

/** One message to one recipient, with its outcome. */
export type ReportedMail = RecipientMail;

/** Sources of a campaign's events. */
export interface CampaignSources {
  readonly reader: ReturnType<typeof createCampaignReader>;
  /** Undefined where the table holds all of it. */
  readonly archive: CampaignArchive | undefined;
}

interface CampaignQuery {
  readonly domain: string;
  /** In lower case. */
  readonly tag: string;
  /** When mail counts as sent. */
  readonly time: TimeRange;
  /** Time ranges in which the table may hold mail under the tag. */
  readonly timeRanges: readonly TimeRange[];
}

/** The counts of a report. */
export interface CampaignCounts {
  readonly mails: MailCounts;
  readonly people: PeopleCounts;
  /** Epoch milliseconds; undefined without mail. */
  readonly firstAtMs: number | undefined;
}

const AT_ONCE = 25;
const PROGRESS_MESSAGES = 10_000;

/**
 * Counts the mail that was sent under a tag, and calls with each failed one. Messages with their archived events, and
 * people, are in files by their hash and counted file by file, so that memory does not grow with them. An event that table and archive hold counts once, as the table has it. Returns undefined where it was interrupted.
 */
export function countCampaign(
  context: Pick<CliContext, 'signal' | 'printError'>,
  { reader, archive }: CampaignSources,
  query: CampaignQuery,
  onFailure: (mail: ReportedMail) => void,
): Promise<CampaignCounts | undefined> {
  return withSpills(async (createSpill) => {
    /** Partitions of messages, and archived events of messages. */
    const mail = createSpill('mail');
    for await (const { partitions } of reader.messages(query.domain, query.tag, query.timeRanges)) {
      if (context.signal.aborted) return undefined;
      for (const partition of partitions) mail.add(partition, JSON.stringify(partition));
    }
    if (archive !== undefined) {
      for await (const events of archivedEvents(archive, query)) {
        if (context.signal.aborted) return undefined;
        for (const each of events) mail.add(each.partition, JSON.stringify(each));
      }
    }
    const people = createSpill('people');
    const counter = new MailCounter();
    let firstAtMs: number | undefined;
    let done = 0;
    const count = (each: ReportedMail) => {
      const bits = counter.add(each.mail);
      if (bits === undefined) return false;
      const person = createHash('sha256').update(each.recipientKey).digest('hex').slice(0, 32);
      people.add(person, `${person} ${bits}`);
      firstAtMs = Math.min(firstAtMs ?? each.firstAtMs, each.firstAtMs);
      return each.mail.failure !== undefined;
    };
    for (const lines of mail.files()) {
      const { partitions, events } = mailIn(lines);
      for (const [partition, own] of events) if (own.some(({ isSending }) => isSending)) partitions.add(partition);
      const failed: ReportedMail[] = [];
      await eachOf(partitions, AT_ONCE, async (partition) => {
        if (context.signal.aborted) return;
        const mails =
          archive === undefined
            ? reader.mails(partition)
            : mergedMails(partition, events.get(partition) ?? [], reader.recipients(partition), archive.erasureKey);
        for await (const each of mails) {
          if (!count(each)) continue;
          if (archive === undefined) onFailure(each);
          else failed.push(each);
        }
        done += 1;
        if (done % PROGRESS_MESSAGES === 0) context.printError(`${number(done)} messages read so far`);
      });
      if (context.signal.aborted) return undefined;
      if (archive !== undefined) for (const each of await withoutErased(failed, archive.erasures)) onFailure(each);
    }
    return { mails: counter.counts(), people: sumOf(people.files()), firstAtMs };
  });
}

/** Reads one file: messages of the table, and archived events by their message. */
function mailIn(lines: readonly string[]) {
  const partitions = new Set<string>();
  const events = new Map<string, ArchivedEvent[]>();
  for (const line of lines) {
    const each = JSON.parse(line) as string | ArchivedEvent;
    if (typeof each === 'string') {
      partitions.add(each);
      continue;
    }
    const own = events.get(each.partition);
    if (own === undefined) events.set(each.partition, [each]);
    else own.push(each);
  }
  return { partitions, events };
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

// A campaign may have more messages and people than fit into memory. They are partitioned into files by hash, so that
// equal ones are in the same file, and then read file by file; a file that is too large is partitioned again.

const FILES = 64;
/** Bytes per read, and bytes buffered for writing: each is in memory several times. */
const MAX_BYTES = 8 * 2 ** 20;
const CHUNK_BYTES = 2 ** 18;
/** Hex digits of a key's hash, two for each division; what they do not tell apart is one key, and stays together. */
const HASH_LENGTH = 16;

/** Texts on disk, by the hash of a key. */
interface Spill {
  add(key: string, line: string): void;
  /** Yields the lines of one file after the other; the lines of one key are in one file. */
  files(): Generator<string[], undefined>;
}

/**
 * Runs work with a private temporary folder, and removes it in any case. Files larger than `maxBytes` are partitioned
 * before they are read.
 */
export async function withSpills<Result>(
  work: (create: (name: string) => Spill) => Promise<Result>,
  maxBytes = MAX_BYTES,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'mailgun-ledger-report-'));
  try {
    return await work((name) => {
      const files = createFiles(join(folder, name), 0, maxBytes);
      return {
        add: (key, line) => files.add(`${createHash('sha256').update(key).digest('hex').slice(0, HASH_LENGTH)}${line}`),
        files: files.read,
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Files of lines that begin with the hash of their key; one byte of it selects the file. */
function createFiles(path: string, byte: number, maxBytes: number) {
  const waiting: string[][] = Array.from({ length: FILES }, () => []);
  let waitingLength = 0;
  /** The hash of the first line of each file. */
  const hashes: string[] = [];
  const divisible = new Set<number>();
  const pathOf = (file: number) => `${path}-${file}`;
  const flush = () => {
    for (const [file, lines] of waiting.entries())
      if (lines.length > 0) appendFileSync(pathOf(file), lines.map((line) => `${line}\n`).join(''));
    for (const lines of waiting) lines.length = 0;
    waitingLength = 0;
  };
  const add = (line: string) => {
    const file = Number.parseInt(line.slice(2 * byte, 2 * byte + 2), 16) % FILES;
    hashes[file] ??= line.slice(0, HASH_LENGTH);
    if (!line.startsWith(hashes[file])) divisible.add(file);
    (waiting[file] as string[]).push(line);
    waitingLength += line.length;
    if (waitingLength > maxBytes) flush();
  };
  function* read(): Generator<string[], undefined> {
    flush();
    for (let file = 0; file < FILES; file += 1) {
      const bytes = statSync(pathOf(file), { throwIfNoEntry: false })?.size;
      if (bytes === undefined) continue;
      if (bytes <= maxBytes || !divisible.has(file) || 2 * byte + 2 >= HASH_LENGTH) {
        yield readFileSync(pathOf(file), 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => line.slice(HASH_LENGTH));
        rmSync(pathOf(file));
      } else {
        const parts = createFiles(pathOf(file), byte + 1, maxBytes);
        for (const line of linesOf(pathOf(file))) parts.add(line);
        rmSync(pathOf(file));
        yield* parts.read();
      }
    }
    return undefined;
  }
  return { add, read };
}

/** Yields the lines of a file; holds one chunk in memory at a time. */
function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(CHUNK_BYTES);
  try {
    let rest = '';
    for (let bytes = readSync(file, buffer); bytes > 0; bytes = readSync(file, buffer)) {
      const lines = `${rest}${decoder.write(buffer.subarray(0, bytes))}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    closeSync(file);
  }
}

/** The sources of a campaign besides the table. */
export interface CampaignArchive {
  readonly source: Pick<ArchiveSource, 'open'>;
  /** Keys of the objects that may hold a trace of it. */
  readonly keys: readonly string[];
  readonly erasureKey: string;
  /** Looks for people whose erasure has not reached the archive yet. */
  readonly erasures: Pick<ReturnType<typeof createErasureRepository>, 'among'>;
}

/** An object of the archive, by the start of its slice in epoch seconds. */
export interface ArchivedObject extends SizedObject {
  readonly start: number;
}

/** Yields the events of messages in the objects, a row group at a time, in no order. */
async function* archivedEvents(
  { source, keys }: Pick<CampaignArchive, 'source' | 'keys'>,
  campaign: ArchivedCampaign,
): AsyncGenerator<ArchivedEvent[]> {
  for (const key of keys) {
    for await (const group of rowGroups(source, key))
      yield group.flatMap((row) => archivedEventOf(row, campaign) ?? []);
  }
}
