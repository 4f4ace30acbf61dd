import { DAY_SECONDS, MAX_AHEAD_MS, UNKNOWN_DOMAIN } from '../contract.ts';
import { allDone } from '../domain/concurrency.ts';
import { identify } from '../domain/events/identity.ts';
import { type MailgunEvent, parseEvent, recipientOf } from '../domain/events/mailgun-event.ts';
import type { QueueMessage } from '../domain/events/queue-message.ts';
import { lateStoredTime } from '../domain/events/stored-time.ts';
import { eventSort } from '../domain/keys.ts';
import { namedAddresses, tombstoneIdentity, tombstoneOf, withoutAddress } from '../domain/recipients/erasure.ts';
import { statusUpdateOf } from '../domain/status/status-update.ts';
import { suppressionOf } from '../domain/status/suppression.ts';
import { isTestSample } from '../domain/webhooks/test-sample.ts';
import { decideAgain } from '../shared/decide-again.ts';
import { type Corrections, createCorrect } from './correct-event.ts';
import { copiesOf, mergeAll, withOriginOf } from './merge-copies.ts';
import type { ErasureKey, Erasures, EventRecord, Records, RedactedCopies, Stragglers } from './ports.ts';

interface ProcessDeps {
  records: Records;
  erasures: Erasures;
  erasureKey: ErasureKey;
  /** Days that events are kept after receipt, not after their own time: Mailgun's test button sends events of 2018. */
  retentionDays: number;
  /** Days that a status is kept after the receipt of its first event. */
  statusDays: number;
  corrections: Corrections;
  copies: RedactedCopies;
  stragglers: Stragglers;
  /** Age at which a slice has its last scheduled pass. */
  secondPassSeconds: number;
  now: () => number;
  /** Called once an event is stored whose own time is this many seconds after its receipt. */
  onImplausible?: (domain: string, aheadSeconds: number) => void;
}

/** Older than this, an event may come before a ledger that begins now. */
const MAX_DELAY_MS = 60_000;
/** An event that is nearly as old as a second pass may be stored while that pass is under way. */
const SECOND_PASS_MARGIN = 0.95;

/**
 * Stores one event with all its effects. The event itself comes last: stored means all effects done,
 * so whatever crashes before it heals when the message is delivered again. Of an event of an erased recipient only
 * a tombstone is stored, and nothing follows from it. Redacted copies are merged into the event that names its recipient.
 * An expired event from the archive is not stored, only its suppression, which never expires.
 */
export function createProcess(deps: ProcessDeps): (message: QueueMessage) => Promise<'stored' | 'known'> {
  const storeOne = createStoreOne(deps);
  return async (message) => {
    const copies = copiesOf(message.event, message.domain, message.redactedAs ?? []);
    if (copies.length === 0) return storeOne(message);
    const found = await deps.copies.read(copies);
    const outcome = await storeOne(withOriginOf(message, found));
    await mergeAll(deps.copies, copies);
    return found.length > 0 ? 'known' : outcome;
  };
}

function createStoreOne(deps: ProcessDeps): (message: QueueMessage) => Promise<'stored' | 'known'> {
  const correct = createCorrect(deps);
  return async (message) => {
    const { event: sent, domain, restored } = message;
    const isNews = restored === undefined;
    const erased = await deps.erasures.among(namedAddresses(sent));
    const record = recordOf(deps, message, parseEvent(erased.reduce(withoutAddress, sent)));
    const hasExpired = (at: number) => !isNews && at * 1000 <= deps.now();
    const isExpired = hasExpired(record.expiresAt);
    if (isNews && isLive(message)) await noteStraggler(deps, record);
    if (isErased(message, erased)) {
      if (isExpired) return 'known';
      const tombstone = await tombstoneRecord(deps, record, message);
      return (await deps.records.putEvent(nowStored(tombstone))) === 'stored' ? 'stored' : 'known';
    }
    const decidesNothing = isOfBatch(record.event) || hasExpired(record.statusExpiresAt);
    if (message.corrects && (await correct(nowStored(record), decidesNothing))) return 'known';
    const suppression = suppressionOf(record.event);
    // A status can be taken back; a suppression cannot, where it holds for another reason too.
    if (suppression !== undefined && (await deps.records.isDistrusted(record))) return takeBack(record);
    await allDone([
      suppression && deps.records.suppress(record, suppression),
      decidesNothing ? undefined : deps.records.upsertStatus(record, statusUpdateOf(record.event)),
    ]);
    if (isExpired) return 'known';
    const outcome = await deps.records.putEvent(nowStored(record));
    if (outcome === 'stored' && isNews && record.isImplausible) {
      const { timeMs = record.receivedAtMs } = record.event;
      deps.onImplausible?.(domain, Math.round((timeMs - record.receivedAtMs) / 1000));
    }
    // Only here, after the status: what is marked later than this finds what was written.
    if (outcome === 'distrusted') return takeBack(record);
    if (outcome !== 'merged') return outcome;
    await deps.copies.dropStatus(record.identity);
    return 'known';
  };

  /** Decides the status without a distrusted event that came again. */
  async function takeBack(record: EventRecord): Promise<'known'> {
    if (await decideAgain(deps.corrections, record)) return 'known';
    throw new Error('the status of a distrusted event keeps changing');
  }

  /** Adds the time, unless the event was stored before. */
  function nowStored(record: EventRecord): EventRecord {
    return record.restored ? record : { ...record, ...lateStoredTime(record.receivedAtMs, deps.now()) };
  }
}

function recordOf(deps: ProcessDeps, message: QueueMessage, event: MailgunEvent): EventRecord {
  const { domain, source, receivedAt, restored } = message;
  const receivedSeconds = Math.floor(receivedAt / 1000);
  return {
    identity: identify(message.event, domain),
    event,
    domain,
    source,
    ...timeOf(event, receivedAt),
    ...(restored && { atMs: restored.atMs, restored }),
    receivedAtMs: receivedAt,
    expiresAt: receivedSeconds + deps.retentionDays * DAY_SECONDS,
    statusExpiresAt: receivedSeconds + deps.statusDays * DAY_SECONDS,
  };
}

/** Returns true for a webhook about mail, as opposed to what a listing or a test brought. */
function isLive({ source, redactedAs, event }: QueueMessage): boolean {
  return source === 'webhook' && redactedAs === undefined && !isTestSample(event);
}

function isErased({ event, restored }: QueueMessage, erased: readonly string[]): boolean {
  const recipient = recipientOf(event);
  return restored?.erasedAs !== undefined || (recipient !== undefined && erased.includes(recipient));
}

/** Returns what is stored of an erased recipient's event: its tombstone, as the archive holds it or made now. */
async function tombstoneRecord(deps: ProcessDeps, record: EventRecord, message: QueueMessage): Promise<EventRecord> {
  const { event: sent, domain, restored } = message;
  if (restored?.erasedAs !== undefined) {
    const { message: _message, ...tombstone } = sent;
    const identity = { ...record.identity, eventSort: eventSort(restored.erasedAs, record.identity.eventKey) };
    return { ...record, identity, event: parseEvent(tombstone) };
  }
  const identity = tombstoneIdentity(record.identity, await deps.erasureKey.read());
  return { ...record, identity, event: parseEvent(tombstoneOf(sent, domain)) };
}

/** A batch as a whole gets one more `accepted`: no later event could change the status of no recipient. */
function isOfBatch({ recipient, type }: MailgunEvent): boolean {
  return recipient === undefined && type.status === 'ACCEPTED';
}

/** Returns when the event happened: its own time, unless that is too far after its receipt. */
function timeOf({ timeMs }: MailgunEvent, receivedAt: number): Pick<EventRecord, 'atMs' | 'isImplausible'> {
  if (timeMs === undefined) return { atMs: receivedAt };
  return timeMs > receivedAt + MAX_AHEAD_MS ? { atMs: receivedAt, isImplausible: true } : { atMs: timeMs };
}

/** Requests another pass for an event that no future pass would compare; before the event is stored. */
async function noteStraggler(deps: ProcessDeps, { domain, atMs }: EventRecord): Promise<void> {
  const nowMs = deps.now();
  const at = Math.floor(atMs / 1000);
  const { stragglers } = deps;
  // While no pass compares its events, at least the domain's name is recorded.
  if (domain !== UNKNOWN_DOMAIN) await stragglers.noteUndiscovered?.(domain, nowMs);
  if (await isStraggler(deps, domain, at, nowMs - atMs)) await stragglers.note(domain, { at, notedAt: nowMs });
}

async function isStraggler(deps: ProcessDeps, domain: string, at: number, ageMs: number): Promise<boolean> {
  if (domain === UNKNOWN_DOMAIN || ageMs >= SECOND_PASS_MARGIN * deps.secondPassSeconds * 1000) return true;
  const start = await deps.stragglers.ledgerStart(domain);
  // A ledger that has not begun may begin after this event.
  return start === undefined ? ageMs >= MAX_DELAY_MS : at < start;
}
