import { parseEvent } from '../../domain/events/mailgun-event.ts';
import { storedTimeOf } from '../../domain/events/stored-time.ts';
import { add } from '../../domain/ledger/counts.ts';
import { countDimensions } from '../../domain/ledger/dimensions.ts';
import { placeName } from '../../domain/ledger/ledger-name.ts';
import { findingOfStored, wasListedBefore } from '../../domain/ledger/missing-or-unconfirmed.ts';
import { isStuck } from '../../domain/ledger/requeue.ts';
import { visibleFrom } from '../../domain/ledger/slice.ts';
import { addName, countOrigin, countTags, storedTypeOf } from '../../domain/ledger/tally.ts';
import type { StoredFacts } from '../ports.ts';
import { acceptName, type ComparePartDeps, lookUp, type Sets, type SlicePass } from './part-context.ts';
import { registeredFor } from './posted-kinds.ts';

interface NotListedSets extends Sets {
  isIndexedAsBefore: boolean;
  /** Returns true if Mailgun would list an event of that time (epoch milliseconds). */
  isKept: (atMs: number) => boolean;
}

/**
 * Counts what this listing does not hold: events that an earlier one held, and events that none ever did. Returns how
 * many stored ones may be either, since Mailgun may no longer keep their time.
 */
export async function countNotListed(
  deps: ComparePartDeps,
  pass: SlicePass,
  { stored, sends, tally, isIndexedAsBefore, isKept }: NotListedSets,
  isNotListed: (each: { name: string; atMs: number }) => boolean,
): Promise<number> {
  let unknown = 0;
  const notListed = [...stored].filter(([name, { atMs }]) => isNotListed({ name, atMs }));
  const wasCompared = pass.comparedAtMs !== undefined;
  const mayBeKnown = (name: string) =>
    wasCompared && pass.unconfirmedBefore !== undefined && !pass.unconfirmedBefore.has(name);
  const uncertain = notListed
    .filter(([name, { atMs }]) => mayBeKnown(name) || sends.has(name) || !isKept(atMs))
    .map(([, key]) => key);
  const isAccepted = (name: string) => pass.accepts || pass.accepted.has(name);
  const facts = await lookUp(deps.events, uncertain, pass.erasureKey);
  const wasListedOf = (name: string, found: StoredFacts) =>
    (mayBeKnown(name) || sends.has(name)) &&
    wasListedBefore({
      wasSent: sends.has(name),
      isIndexedAsBefore,
      visibleFromMs: visibleFrom(storedTimeOf(found), deps.settleSeconds),
      comparedAtMs: pass.comparedAtMs,
    });
  // Mailgun retries a webhook for hours, not for as long as it keeps events. A genuine one may be stored that late.
  const isDoubtedBefore = ({ isUnconfirmed, receivedAtMs, atMs }: StoredFacts) =>
    isUnconfirmed || receivedAtMs >= atMs + deps.retentionSeconds * 1000;
  for (const [name, key] of notListed) {
    const type = storedTypeOf(key.eventSort);
    const found = facts.get(placeName(key));
    add(tally.stored, type);
    const wasListed = found !== undefined && wasListedOf(name, found);
    const isDoubted = pass.unconfirmedBefore?.has(name) || (found !== undefined && isDoubtedBefore(found));
    const finding = findingOfStored({ wasListed, isDoubted }, isKept(key.atMs), isAccepted(name));
    if (finding === 'unknown') unknown += 1;
    else if (finding === 'accepted') acceptName(tally, name);
    else if (wasListed) {
      // The listing has shrunk, and what was known of the event still holds.
      const event = parseEvent(found.event);
      const registered = await registeredFor(deps, pass, tally, event, found.atMs);
      countOrigin(tally, event, found, { registered, isFinal: pass.isFinal });
      countTags(tally.tags, event);
      countDimensions(tally.dimensions, event);
      add(tally.listed, type);
      if (finding === 'short') tally.short += 1;
    } else if (finding === 'unconfirmed') {
      add(tally.unconfirmed, type);
      addName(tally.unconfirmedNames, name);
      if (pass.isFinal) await deps.events.markUnconfirmed(key, deps.now());
    }
  }
  for (const requeue of sends.values()) {
    if (!isNotListed(requeue) || stored.has(requeue.name)) continue;
    if (isAccepted(requeue.name)) {
      acceptName(tally, requeue.name);
      continue;
    }
    // Without the listing it cannot be sent again.
    add(tally.missing, requeue.type);
    tally.sends = Math.max(tally.sends, requeue.sends);
    if (isStuck(requeue)) tally.stuck += 1;
    if (isKept(requeue.atMs)) tally.short += 1;
  }
  return unknown;
}
