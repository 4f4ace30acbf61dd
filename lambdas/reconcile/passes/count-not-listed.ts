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

/** Counts what this listing does not hold: events that an earlier one held, and events that none ever did. */
export async function countNotListed(
  deps: ComparePartDeps,
  pass: SlicePass,
  { stored, sends, tally, isIndexedAsBefore, isUnlisted }: Sets & { isIndexedAsBefore: boolean; isUnlisted: boolean },
  isNotListed: (each: { name: string; atMs: number }) => boolean,
): Promise<void> {
  const notListed = [...stored].filter(([name, { atMs }]) => isNotListed({ name, atMs }));
  const wasCompared = pass.comparedAtMs !== undefined;
  const mayBeKnown = (name: string) =>
    wasCompared && pass.unconfirmedBefore !== undefined && !pass.unconfirmedBefore.has(name);
  const uncertain = notListed.filter(([name]) => mayBeKnown(name) || sends.has(name)).map(([, key]) => key);
  const hadPass = wasCompared || pass.hasStragglers;
  const isAccepted = (name: string) => pass.accepts || pass.accepted.has(name);
  const facts = await lookUp(deps.events, uncertain, pass.erasureKey);
  const wasListedOf = (name: string, found: StoredFacts) =>
    wasListedBefore({
      wasSent: sends.has(name),
      isIndexedAsBefore,
      visibleFromMs: visibleFrom(storedTimeOf(found), deps.settleSeconds),
      comparedAtMs: pass.comparedAtMs,
    });
  for (const [name, key] of notListed) {
    const type = storedTypeOf(key.eventSort);
    const found = facts.get(placeName(key));
    add(tally.stored, type);
    const wasListed = found !== undefined && wasListedOf(name, found);
    const finding = findingOfStored({ wasListed }, { isKept: !isUnlisted, hadPass }, isAccepted(name));
    if (finding === 'accepted') acceptName(tally, name);
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
    if (!isUnlisted) tally.short += 1;
  }
}
