import { type ChainLink, parseManifest } from '../domain/archive/manifest.ts';
import { manifestKey } from '../domain/archive/object-keys.ts';
import type { ChainHead, ManifestBucket, SealState } from './ports.ts';
import { DeadlineError } from './slice-rows.ts';

/** The chain of a domain lacks its head, or holds what no version of this stack wrote; nothing is appended to it. */
export class BrokenChainError extends Error {
  override name = 'BrokenChainError';
}

export interface ChainWriter {
  /**
   * Returns the chain's head in the bucket; sequence 0 for an empty chain. Adds marks that the table lacks. Throws
   * DeadlineError at a time in epoch milliseconds; the next call goes on from there.
   */
  catchUp(domain: string, deadlineMs?: number): Promise<ChainHead>;
  /** Appends a link; returns false, without writing, if another one took its place. */
  append(link: ChainLink): Promise<boolean>;
  textOf(domain: string, sequence: number): Promise<string | undefined>;
}

/** Links after which the head moves: a run that is killed repeats no more of a chain that a lost table knew. */
const LINKS_AT_ONCE = 100;

const NO_HEAD: ChainHead = { sequence: 0, hash: '' };

/** Returns true if the bucket holds the manifest that is noted as a chain's head: false for another bucket. */
export async function holdsHead(
  bucket: Pick<ManifestBucket, 'readText'>,
  domain: string,
  { sequence, hash }: ChainHead,
): Promise<boolean> {
  const text = await bucket.readText(manifestKey(domain, sequence));
  return text !== undefined && parseManifest(text)?.hash === hash;
}

/** Extends the chains: the place after the head is given to one manifest by a conditional put, however many runs try. */
export function createChainWriter({
  bucket,
  state,
  now,
}: {
  bucket: ManifestBucket;
  state: Pick<SealState, 'readHead' | 'moveHead' | 'readMark' | 'putMark'>;
  now: () => number;
}): ChainWriter {
  /** Domains whose head was seen in the bucket. */
  const seen = new Set<string>();
  const textOf = (domain: string, sequence: number) => bucket.readText(manifestKey(domain, sequence));
  return {
    textOf,

    async catchUp(domain, deadlineMs = Number.POSITIVE_INFINITY) {
      let head = (await state.readHead(domain)) ?? NO_HEAD;
      let noted = head;
      const note = async () => {
        if (head !== noted) await state.moveHead(domain, head);
        noted = head;
      };
      // Continued in another bucket, the chain could never be proven again, and nothing would report it.
      if (head.sequence > 0 && !seen.has(domain) && !(await holdsHead(bucket, domain, head)))
        throw new BrokenChainError(
          `${manifestKey(domain, head.sequence)}, the head of the chain, is not in the bucket`,
        );
      seen.add(domain);
      for (;;) {
        const text = await textOf(domain, head.sequence + 1);
        if (text === undefined) break;
        const link = parseManifest(text);
        const previous = head.sequence === 0 ? null : head.hash;
        if (link === undefined || link.manifest.previous !== previous || link.manifest.domain !== domain)
          throw new BrokenChainError(`${manifestKey(domain, head.sequence + 1)} does not continue the chain`);
        const { kind, start, number, sequence } = link.manifest;
        const mark = kind === 'slice' ? await state.readMark(domain, start) : { sequence, first: sequence };
        // Without its own mark, the version of the slice that it was made from is unknown.
        if (mark === undefined || mark.sequence < sequence)
          await state.putMark(domain, { start, number, sequence, first: mark?.first ?? sequence, version: null });
        head = { sequence, hash: link.hash };
        const isLate = now() >= deadlineMs;
        if (isLate || sequence - noted.sequence >= LINKS_AT_ONCE) await note();
        if (isLate) throw new DeadlineError('the time of the run is up');
      }
      await note();
      return head;
    },

    async append({ manifest, text }) {
      const key = manifestKey(manifest.domain, manifest.sequence);
      if (await bucket.putTextIfAbsent(key, text)) return true;
      // A put whose reply was lost is repeated, and then finds its own.
      return (await bucket.readText(key)) === text;
    },
  };
}
