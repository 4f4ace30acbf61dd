import { type Announcement, LISTING_END, type ListingNote } from '../../domain/ledger/listing-note.ts';
import type { ListingFallback, ListingNotes } from '../ports.ts';

interface WatchListingDeps {
  notes: ListingNotes;
  /** The API that the configuration names. */
  configured: Announcement['api'];
  now: () => number;
  /** Called once with the fall to the Logs API (epoch milliseconds). */
  onFallen: (atMs: number) => void;
  /** Called with an announcement that was not known. */
  onAnnounced: (announced: Announcement) => void;
  onFailure: (error: unknown) => void;
}

interface ListingWatch extends ListingFallback {
  /**
   * Reads the fallback that earlier runs noted, unless an operator has reverted it. Deletes the note where the
   * configuration names the Logs API by now. Never throws.
   */
  begin(): Promise<void>;
  /** Called with every reply that announces an end. */
  announce(announced: Announcement): void;
  /**
   * Notes what the run has learnt. Returns how far the end of the API has come (`LISTING_END`); undefined where nothing
   * was announced, and not all was listed. Never throws.
   */
  end(isWhole: boolean): Promise<number | undefined>;
}

/**
 * Watches for the end of the Mailgun API that the ledger lists by. Where the Events API is gone, every further run lists
 * by the Logs API, until an operator takes that back or the configuration names that API.
 */
export function createWatchListing(deps: WatchListingDeps): ListingWatch {
  const { notes, configured, now } = deps;
  let noted: ListingNote = {};
  let fellBackAt: number | undefined;
  let announced: Announcement | undefined;
  let noting: Promise<void> | undefined;

  const attempt = async (act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      deps.onFailure(error);
    }
  };
  const noteFall = (atMs: number) =>
    attempt(async () => {
      if (await notes.fall(atMs)) deps.onFallen(atMs);
      noted = { ...noted, fellBackAt: atMs };
    });
  const isFallen = () => configured === 'events' && fellBackAt !== undefined;

  return {
    hasFallen: isFallen,

    async begin() {
      announced = undefined;
      await attempt(async () => {
        noted = await notes.read();
        fellBackAt = noted.fellBackAt;
        if (configured === 'logs' && fellBackAt !== undefined) {
          await notes.goBack();
          fellBackAt = undefined;
        }
      });
    },

    async fall() {
      fellBackAt ??= now();
      // Concurrent listings get the same 410.
      noting ??= noteFall(fellBackAt).finally(() => {
        noting = undefined;
      });
      await noting;
    },

    announce(found) {
      if (found.api === configured) announced = found;
    },

    async end(isWhole) {
      if (isFallen()) {
        // The earlier write may have failed.
        if (noted.fellBackAt === undefined && fellBackAt !== undefined) await noteFall(fellBackAt);
        return LISTING_END.gone;
      }
      if (announced === undefined && !isWhole) return undefined;
      await attempt(async () => {
        const { at: _at, ...before } = noted.announced ?? { at: 0 };
        if (isSame(before, announced ?? {})) return;
        await notes.announce(announced && { ...announced, at: now() });
        if (announced !== undefined) deps.onAnnounced(announced);
      });
      return announced === undefined ? LISTING_END.none : LISTING_END.announced;
    },
  };
}

function isSame(one: Partial<Announcement>, other: Partial<Announcement>): boolean {
  return one.api === other.api && one.deprecation === other.deprecation && one.sunset === other.sunset;
}
