import { NAMES_COMPARED_IN_FULL } from '../../domain/event-types.ts';
import { type MailgunEvent, parseEvent } from '../../domain/events/mailgun-event.ts';
import { parseMessageSort } from '../../domain/keys.ts';
import { add } from '../../domain/ledger/counts.ts';
import { countDimensions } from '../../domain/ledger/dimensions.ts';
import { placeName } from '../../domain/ledger/ledger-name.ts';
import { findingOfListed, isAltered } from '../../domain/ledger/missing-or-unconfirmed.ts';
import { isStuck, isToBeSent } from '../../domain/ledger/requeue.ts';
import { countOrigin, countTags, typeOf } from '../../domain/ledger/tally.ts';
import { namedFacts } from '../../domain/status/deciding-facts.ts';
import { doubtfulKindOf, isExpectedByWebhook } from '../../domain/webhooks/webhook-type.ts';
import type { StoredFacts } from '../ports.ts';
import { type Matched, recipientsOf } from './match-copies.ts';
import {
  type AlteredEvent,
  acceptName,
  type ComparePartDeps,
  lookUp,
  type Sets,
  type SlicePass,
} from './part-context.ts';
import { registeredFor } from './posted-kinds.ts';
import type { createRequeueMissing, Unstored } from './requeue-missing.ts';

/** An event that Mailgun lists, with its place in the table. */
export interface Listed extends Matched {
  name: string;
  event: MailgunEvent;
  atMs: number;
}

/** A copy that names no recipient is what a webhook brought. */
const BROUGHT = { broughtByWebhook: true };

/**
 * Returns what settles listed events: `count` counts them and requeues missing ones, `merge` requeues those with
 * redacted copies. Both return false if they may not send.
 */
export function createCountListed(
  deps: ComparePartDeps,
  pass: SlicePass,
  { stored, sends, tally }: Sets,
  requeueMissing: ReturnType<typeof createRequeueMissing>,
) {
  const isNowSent = ({ name }: Listed) =>
    isToBeSent(sends.get(name), {
      nowMs: deps.now(),
      everySeconds: deps.everySeconds,
      ignoreWaits: pass.ignoreWaits,
    });
  const merge = async (crossing: readonly Listed[]): Promise<boolean> => {
    const unmerged = crossing.filter((each) => !pass.accepts && isNowSent(each));
    if (unmerged.length === 0) return true;
    if (!pass.maySend) return false;
    pass.assertHeld();
    const { sent, stuck } = await requeueMissing(
      pass.slice,
      pass.runId,
      unmerged.map((each) => unstoredOf(each, false)),
    );
    // No slice counts them here, so nothing but the next run would send them again.
    if (sent + stuck.length < unmerged.length) throw new Error('redacted copies could not be sent to be merged');
    return true;
  };
  const count = async (ready: readonly Listed[]): Promise<boolean> => {
    const unknown = new Set<Listed>();
    for (const each of ready) {
      const kind = doubtfulKindOf(each.event);
      if (kind !== undefined && !(await pass.postedKinds.isKnown(kind, each.atMs))) unknown.add(each);
    }
    const mayBeDistrusted = ({ name }: Listed) =>
      pass.mayHoldDistrusted || pass.unconfirmedBefore?.has(name) || pass.accepted.has(name);
    // Only what was sent before can have come without a webhook; of a doubtful kind also what was restored.
    const isLookedUp = (each: Listed) =>
      !stored.has(each.name) ||
      sends.has(each.name) ||
      NAMES_COMPARED_IN_FULL.includes(each.event.name) ||
      mayBeDistrusted(each) ||
      unknown.has(each);
    const facts = await lookUp(
      deps.events,
      ready.filter(isLookedUp).map(({ place }) => place),
      pass.erasureKey,
    );
    for (const { event, place, atMs } of unknown) {
      const kind = doubtfulKindOf(event);
      if (kind !== undefined && facts.get(placeName(place))?.broughtByWebhook) await pass.postedKinds.note(kind, atMs);
    }
    const unstored: Unstored[] = [];
    for (const each of ready) {
      const { name, place, event, atMs, copies, isRedacted } = each;
      const found = facts.get(placeName(place));
      const differs =
        found !== undefined && !isRedacted && isAltered({ ...found, event: parseEvent(found.event) }, { event, atMs });
      const isRedundant = copies.length > 0 && !differs;
      const isStored = !isRedundant && (stored.has(name) || found !== undefined);
      const type = typeOf(event);
      add(tally.listed, type);
      countTags(tally.tags, event);
      countDimensions(tally.dimensions, event);
      const registered = await registeredFor(deps, pass, tally, event, atMs);
      if (isExpectedByWebhook(event, registered)) tally.deliverable += 1;
      if (isStored) add(tally.stored, type);
      if (found !== undefined || !isStored) {
        const origin = isRedundant ? BROUGHT : found;
        countOrigin(tally, event, origin, { registered, isFinal: pass.isFinal });
      }
      const isDistrusted = found?.isDistrusted ?? false;
      // A distrusted event was accepted as forged, which a listing disproves.
      const isAccepted = (pass.accepts || pass.accepted.has(name)) && !isDistrusted;
      const finding = findingOfListed({ isStored, isAltered: differs }, isAccepted);
      if (finding === 'stored') {
        // What is listed as a redacted copy alone cannot be corrected by it, and stays distrusted.
        if (pass.unconfirmedBefore?.has(name) && !isDistrusted) {
          // Of an erased recipient's event the tombstone bears the mark.
          await deps.events.markUnconfirmed(stored.get(name) ?? place, undefined);
        }
        continue;
      }
      if (finding === 'accepted') {
        acceptName(tally, name);
        continue;
      }
      add(tally[finding], type);
      if (differs) deps.onAltered?.(alteredOf(pass.slice.domain, each, found));
      const before = sends.get(name);
      tally.sends = Math.max(tally.sends, before?.sends ?? 0);
      if (before !== undefined && isStuck(before)) tally.stuck += 1;
      else if (!pass.accepts && isNowSent(each)) unstored.push(unstoredOf(each, differs));
    }
    if (unstored.length === 0) return true;
    if (!pass.maySend) return false;
    pass.assertHeld();
    const { sent, stuck } = await requeueMissing(pass.slice, pass.runId, unstored);
    tally.sent += sent;
    tally.stuck += stuck.length;
    for (const { requeue } of unstored) tally.sends = Math.max(tally.sends, (sends.get(requeue.name)?.sends ?? 0) + 1);
    return true;
  };
  return { count, merge };
}

function unstoredOf({ name, atMs, event, copies }: Listed, corrects: boolean): Unstored {
  const requeue = { name, atMs, type: typeOf(event) };
  return { requeue, event: event.raw, corrects, redactedAs: recipientsOf(copies) };
}

/** The facts of a distrusted event. */
const DECIDES_NOTHING = { status: null, reason: null };

function alteredOf(domain: string, { place, event, atMs }: Listed, stored: StoredFacts): AlteredEvent {
  const trusted = { event: parseEvent(stored.event), atMs: stored.atMs, isDistrusted: false };
  return {
    domain,
    messageId: event.messageId,
    eventKey: parseMessageSort(place.eventSort).eventKey ?? '',
    ...(!isAltered(trusted, { event, atMs }) && { wasDistrusted: true as const }),
    stored: { ...namedFacts(trusted.event, trusted.atMs), ...(stored.isDistrusted && DECIDES_NOTHING) },
    listed: namedFacts(event, atMs),
  };
}
