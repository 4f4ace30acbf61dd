import { createHash } from 'node:crypto';
import { HOUR_SECONDS } from '../contract.ts';
import { mailboxOf } from './recipients/address.ts';

// Every key of the table and of its indexes: how it is built, and how it is read. No other file knows a prefix.
//
// | partition                        | sort                          | item                                   |
// |----------------------------------|-------------------------------|----------------------------------------|
// | MSG#<message id>                 | R#<recipient>#E#<name>#<id>   | event                                  |
// |                                  |                               | or what is left of a redacted copy     |
// |                                  | R#<recipient>#STATUS          | status of a message and recipient      |
// | NOMSG#<domain>#<day>             | as above                      | the same of events without a message   |
// | SUP#<recipient>                  | <domain>#<kind>#<scope>       | suppression                            |
// | CLAIM#<token hash>               | CLAIM                         | claim of a token                       |
// | ERASED#<recipient hash>          | ERASED                        | marker of an erased recipient          |
// | SLICE#<domain>, OPEN#<domain>    | <start>                       | slice; marker of an open one           |
// | OPEN#<domain>                    | late#<second>                 | note that a straggler was stored       |
// | DOUBT#<domain>                   | <start>                       | marker of a slice with events in doubt |
// | SENT#<domain>#<slice start>      | <minute>#<ledger name>        | sends of a missing event               |
// | PART#<domain>#<slice start>      | <pass>#<start>                | part of a slice, compared              |
// | PART#<domain>#<slice start>      | begun#<pass>#<start>          | part of which some listings are read   |
// | LEDGER#<domain>                  | <name>                        | state of reconciliation of a domain    |
// | WITNESS#<domain>                 | <hour>                        | Mailgun's own counts of an hour        |
// | SEAL#<domain>                    | <start>                       | what is sealed of a slice              |
// | SEAL#<domain>                    | HEAD, POSITION                | head of the chain; how far it reaches  |
// | SEAL#<domain>                    | GIVEN-UP#<sequence>           | head of a chain that was given up      |
// | LEDGER                           | FIRST-WEBHOOK, LEASE, LISTING | facts of the whole ledger,             |
// |                                  | SEALING, DOMAINS, RESTORED,   | the end of a Mailgun API among them    |
// |                                  | DRIFT, REDACTION              |                                        |
// | UNDISCOVERED                     | <domain>                      | note of a domain that has no ledger    |
// | DELIVERY#<receiver>#<hour>       | <second>#<event id>           | delivery of an event to a receiver     |
// | RECEIVER#<receiver>              | STATE                         | whether a receiver fails or is disabled|
//
// Index by day: <domain>#<day>#<type>, its further shards <domain>#<day>#<type>#<shard>. Index by recipient: R#<recipient>;
// SUP#<domain>#<kind> for suppressions.

const SEPARATOR = '#';
const MESSAGE = 'MSG';
const NO_MESSAGE = 'NOMSG';
const RECIPIENT = 'R';
const EVENT = 'E';
const STATUS = 'STATUS';
const SUPPRESSION = 'SUP';
const CLAIM = 'CLAIM';
const ERASED = 'ERASED';
const SLICE = 'SLICE';
const OPEN_SLICE = 'OPEN';
const DOUBT = 'DOUBT';
const LEDGER = 'LEDGER';
const STRAGGLER = 'late';
const SENT = 'SENT';
const PART = 'PART';
const BEGUN = 'begun';
const WITNESS = 'WITNESS';
const SEAL = 'SEAL';
const DELIVERY = 'DELIVERY';
const RECEIVER = 'RECEIVER';
const UNDISCOVERED = 'UNDISCOVERED';

/** Stands for the address in the keys of an erased recipient. */
const ERASED_RECIPIENT = 'erased:';
/** Stands for a text that is too long for a key, or does not fit into one. */
const HASHED = 'sha256:';
const EMPTY = '-';
const MAX_KEY_PART_BYTES = 200;
const TIME_DIGITS = 12;
const MINUTE_MS = 60_000;

/** Key of an item of the table. */
export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

const join = (...parts: string[]) => parts.join(SEPARATOR);
const split = (key: string) => key.split(SEPARATOR);

const below = (prefix: string) => join(prefix, '*');
// As a constant it would be in every bundle: only the stack needs it.
const patternsOf = () => ({
  messages: [below(MESSAGE), below(NO_MESSAGE)],
  suppressions: [below(SUPPRESSION)],
  claims: [below(CLAIM)],
  erasures: [below(ERASED)],
  slices: [below(SLICE)],
  openSlices: [below(OPEN_SLICE)],
  doubts: [below(DOUBT)],
  requeues: [below(SENT)],
  parts: [below(PART)],
  domainStates: [below(LEDGER)],
  ledger: [LEDGER],
  witness: [below(WITNESS)],
  seals: [below(SEAL)],
  undiscovered: [UNDISCOVERED],
  deliveries: [below(DELIVERY)],
  receiverStates: [below(RECEIVER)],
});

/** What partitions of the table hold. */
export type PartitionContent = keyof ReturnType<typeof patternsOf>;

/** Returns patterns that match exactly the partitions with such contents; `*` stands for any text. */
export function partitionPatterns(contents: readonly PartitionContent[]): string[] {
  return contents.flatMap((content) => patternsOf()[content]);
}

/**
 * Returns a text as part of a key: `-` where it is empty, its hash where it is too long for a key,
 * holds the separator, or would not survive UTF-8.
 */
export function keyPart(text: string): string {
  if (text === '') return EMPTY;
  const fits = Buffer.byteLength(text) <= MAX_KEY_PART_BYTES && !text.includes(SEPARATOR) && text.isWellFormed();
  return fits ? text : `${HASHED}${createHash('sha256').update(text, 'utf16le').digest('hex')}`;
}

/** Returns true for a part of a key that holds the hash of a text in its place. */
export const isHashed = (part: string): boolean => part.startsWith(HASHED);

/** Returns the UTC day of a time in epoch milliseconds, as `YYYY-MM-DD`. */
export function utcDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** Returns the partition of everything that belongs to a message. */
export function messagePartition(messageId: string): string {
  return join(MESSAGE, keyPart(messageId));
}

/** Returns the partition of the events of a day that name no message; `-` for an event without a time. */
export function noMessagePartition(domain: string, timeMs: number | undefined): string {
  return join(NO_MESSAGE, keyPart(domain), timeMs === undefined ? EMPTY : utcDay(timeMs));
}

/** Returns the message id as in its partition (a very long one hashed); null if there is no message. */
export function messageIdOfPartition(partition: string): string | null {
  const [kind, text] = split(partition);
  return kind === MESSAGE && text !== undefined ? text : null;
}

/** Returns the message id in a partition's name; undefined if it is hashed, or there is no message. */
export function messageIdInPartition(partition: string): string | undefined {
  const text = messageIdOfPartition(partition);
  return text === null || /^sha256:[0-9a-f]{64}$/.test(text) ? undefined : text;
}

/** Returns the domain at the end of a partition's message id; undefined if the partition has none. */
export function domainInPartition(partition: string): string | undefined {
  return /@([^@]+)$/.exec(messageIdInPartition(partition) ?? '')?.[1];
}

/** Returns true for the sort key of a tombstone. */
export function isTombstoneSort(sort: string): boolean {
  return erasedHashInSort(sort) !== undefined;
}

/** Returns true for partitions that hold events and statuses. */
export function isEventPartition(partition: string): boolean {
  return [MESSAGE, NO_MESSAGE].includes(split(partition)[0] ?? '');
}

/** Returns the key of a recipient, the same for every spelling of the mailbox. */
export function recipientKey(recipient: string): string {
  return keyPart(mailboxOf(recipient));
}

/** Returns the key that takes a recipient's place once they are erased. */
export function erasedRecipientKey(hash: string): string {
  return `${ERASED_RECIPIENT}${hash}`;
}

/** Returns the keyed hash of the erased recipient in the sort key of a tombstone; undefined in any other. */
export function erasedHashInSort(sort: string): string | undefined {
  const recipient = split(sort)[1] ?? '';
  return recipient.startsWith(ERASED_RECIPIENT) ? recipient.slice(ERASED_RECIPIENT.length) : undefined;
}

/** Returns true where the key names a person: neither a missing recipient nor an erased one. */
export function namesRecipient(recipient: string): boolean {
  return recipient !== EMPTY && !recipient.startsWith(ERASED_RECIPIENT);
}

/** Returns true for a recipient key that no mailbox has: empty, not an address, or redacted with asterisks. */
export function isRedactedRecipient(recipient: string): boolean {
  if (recipient.startsWith(ERASED_RECIPIENT) || isHashed(recipient)) return false;
  return !recipient.includes('@') || recipient.includes('*');
}

/** Starts every sort key of events and statuses. */
export const EVERY_RECIPIENT = RECIPIENT + SEPARATOR;

/** Returns the partition of a recipient in the index by recipient. */
export function recipientIndexKey(recipient: string): string {
  return join(RECIPIENT, recipient);
}

/** Returns the sort key of a recipient's status. */
export function statusSort(recipient: string): string {
  return join(RECIPIENT, recipient, STATUS);
}

/** Returns the sort key of an event of a recipient, by its event key. */
export function eventSort(recipient: string, eventKey: string): string {
  return join(RECIPIENT, recipient, EVENT, eventKey);
}

/** Returns the prefix of the sort keys of a recipient's events, or of those with one name. */
export function eventSortPrefix(recipient: string, name?: string): string {
  return join(RECIPIENT, recipient, EVENT, name === undefined ? '' : join(keyPart(name), ''));
}

/** Returns the event key shown outside, `<name>#<id>`. */
export function eventKeyOf(name: string, id: string): string {
  return join(keyPart(name), keyPart(id));
}

/** Returns the event name in an event key. */
export function nameInEventKey(eventKey: string): string {
  return split(eventKey)[0] || EMPTY;
}

/** A sort key of a message's partition, read; the event key is absent in that of a status. */
interface MessageSort {
  recipientKey: string;
  isStatus: boolean;
  eventKey?: string;
}

/** Reads a sort key of a message's partition. */
export function parseMessageSort(sort: string): MessageSort {
  const [, recipient = EMPTY, kind, name = '', id = ''] = split(sort);
  if (kind !== EVENT) return { recipientKey: recipient, isStatus: kind === STATUS };
  return { recipientKey: recipient, isStatus: false, eventKey: join(name, id) };
}

/** The prefix of the partitions of suppressions. */
export const SUPPRESSION_PREFIX = SUPPRESSION + SEPARATOR;

/** Returns the partition of all suppressions of a recipient, by the recipient's key. */
export function suppressionPartition(recipient: string): string {
  return join(SUPPRESSION, recipient);
}

/** Returns the key of the recipient whose suppressions a partition holds; undefined for any other partition. */
export function recipientOfSuppressions(partition: string): string | undefined {
  return partition.startsWith(SUPPRESSION_PREFIX) ? partition.slice(SUPPRESSION_PREFIX.length) : undefined;
}

/** Returns the sort key of a suppression; its scope is a tag, whose case does not count. */
export function suppressionSort(domain: string, kind: string, scope: string): string {
  return join(keyPart(domain), kind, keyPart(scope.toLowerCase()));
}

/** Returns the partition of a domain's suppressions of one kind in the index by recipient. */
export function suppressionIndexKey(domain: string, kind: string): string {
  return join(SUPPRESSION, keyPart(domain), kind);
}

/** Returns the scope of a suppression as its sort key has it. */
export function scopeInSuppressionSort(sort: string): string {
  return split(sort)[2] ?? '*';
}

/**
 * Returns the partition of one shard of a type and day in the index by day. Shard 0 is what the day has without shards,
 * so that an event stored before their number was raised is in one of the shards.
 */
export function dayIndexKey(domain: string, day: string, type: string, shard = 0): string {
  const whole = join(keyPart(domain), day, type);
  return shard === 0 ? whole : join(whole, String(shard));
}

/** Parses a partition of the index by day, of any shard; `-` for what it lacks. */
export function parseDayIndexKey(partition: string): { domain: string; day: string; type: string } {
  const [domain, day, type] = split(partition);
  return { domain: domain || EMPTY, day: day || EMPTY, type: type || EMPTY };
}

/** Returns the key of a claim. */
export function claimItemKey(tokenHash: string): ItemKey {
  return { pk: join(CLAIM, tokenHash), sk: CLAIM };
}

/** Returns true for the sort key of a claim. */
export function isClaimSort(sort: string): boolean {
  return sort === CLAIM;
}

/** Returns the key of a recipient's erasure marker. */
export function markerKey(recipientHash: string): ItemKey {
  return { pk: join(ERASED, recipientHash), sk: ERASED };
}

/** Returns a time in epoch seconds as a key that sorts. */
export function timeKey(epochSeconds: number): string {
  return String(epochSeconds).padStart(TIME_DIGITS, '0');
}

/** Returns the key of a slice of a domain's ledger, by its start. */
export function sliceKey(domain: string, startSeconds: number): ItemKey {
  return { pk: join(SLICE, keyPart(domain)), sk: timeKey(startSeconds) };
}

/** Returns the key of the marker of an open slice. */
export function openSliceKey(domain: string, startSeconds: number): ItemKey {
  return { pk: join(OPEN_SLICE, keyPart(domain)), sk: timeKey(startSeconds) };
}

/** Returns the key of the marker of a slice that holds unconfirmed or altered events. */
export function doubtKey(domain: string, startSeconds: number): ItemKey {
  return { pk: join(DOUBT, keyPart(domain)), sk: timeKey(startSeconds) };
}

/** Returns the key of the straggler note for a second; it is stored beside the open-gap markers. */
export function stragglerKey(domain: string, atSeconds: number): ItemKey {
  return { pk: join(OPEN_SLICE, keyPart(domain)), sk: join(STRAGGLER, timeKey(atSeconds)) };
}

/** Returns true for the sort key of such a note. */
export function isStragglerSort(sort: string): boolean {
  return split(sort)[0] === STRAGGLER;
}

/** Returns the partition of the sends of missing events of a slice. */
export function requeuePartition(domain: string, startSeconds: number): string {
  return join(SENT, keyPart(domain), timeKey(startSeconds));
}

/** Returns the sort key of the sends of one event, by the minute in which it is listed and its ledger name. */
export function requeueSort(atMs: number, name: string): string {
  return join(timeKey(Math.floor(atMs / MINUTE_MS)), name);
}

/** Returns the least and the greatest sort key of the sends of events listed between two times. */
export function requeueSortRange(fromMs: number, toMs: number): [string, string] {
  return [requeueSort(fromMs, ''), requeueSort(toMs + MINUTE_MS, '')];
}

/** Returns the ledger name in the sort key of an event's sends. */
export function nameInRequeueSort(sort: string): string {
  return split(sort)[1] ?? '';
}

/** Returns the partition of the parts of a slice that were compared or begun. */
export function partPartition(domain: string, startSeconds: number): string {
  return join(PART, keyPart(domain), timeKey(startSeconds));
}

/** Returns the sort key of a compared part, or what those of one pass start with. */
export function partSort(pass: number, fromSeconds?: number): string {
  return join(String(pass), fromSeconds === undefined ? '' : timeKey(fromSeconds));
}

/** Returns the same of begun parts; apart, since versions that know none would take them for compared. */
export function begunPartSort(pass: number, fromSeconds?: number): string {
  return join(BEGUN, partSort(pass, fromSeconds));
}

/** Returns the key of a domain's watermarks. */
export function watermarksKey(domain: string): ItemKey {
  return { pk: join(LEDGER, keyPart(domain)), sk: 'CURSOR' };
}

/** Returns the key of the doubtful kinds of a domain's mail that webhooks have brought all the same. */
export function postedKindsKey(domain: string): ItemKey {
  return { pk: join(LEDGER, keyPart(domain)), sk: 'KINDS' };
}

/** Key of the note that a webhook has been verified. */
export const FIRST_WEBHOOK_KEY: ItemKey = { pk: LEDGER, sk: 'FIRST-WEBHOOK' };

/** Key of reconcile's lease. */
export const LEASE_KEY: ItemKey = { pk: LEDGER, sk: 'LEASE' };

/** Key of the item about the listing API's end. */
export const LISTING_KEY: ItemKey = { pk: LEDGER, sk: 'LISTING' };

/** Key of the list of the account's domains that have a ledger. */
export const LEDGER_DOMAINS_KEY: ItemKey = { pk: LEDGER, sk: 'DOMAINS' };

/** Keys of the last counts of each domain: of webhooks that differ, and of redaction. */
export const DRIFT_KEY: ItemKey = { pk: LEDGER, sk: 'DRIFT' };
export const REDACTION_KEY: ItemKey = { pk: LEDGER, sk: 'REDACTION' };

/** Key of the time at which the last restore began. */
export const RESTORED_KEY: ItemKey = { pk: LEDGER, sk: 'RESTORED' };

/** Returns the key of the note that events are stored of a domain that has no ledger. */
export function undiscoveredKey(domain: string): ItemKey {
  return { pk: UNDISCOVERED, sk: keyPart(domain) };
}

/** Returns the key of Mailgun's own counts of an hour. */
export function witnessKey(domain: string, hourSeconds: number): ItemKey {
  return { pk: join(WITNESS, keyPart(domain)), sk: timeKey(hourSeconds) };
}

/** Returns the key of the state of reading Mailgun's own counts: which hours were read, and when. */
export function witnessStateKey(domain: string): ItemKey {
  return { pk: join(LEDGER, keyPart(domain)), sk: WITNESS };
}

/** Returns the key of a domain's classes of failures by Mailgun. */
export function bounceClassesKey(domain: string): ItemKey {
  return { pk: join(LEDGER, keyPart(domain)), sk: 'CLASSES' };
}

/** Returns the key of a slice's seal mark, by its start. */
export function sealMarkKey(domain: string, startSeconds: number): ItemKey {
  return { pk: join(SEAL, keyPart(domain)), sk: timeKey(startSeconds) };
}

/** Returns the key of the head of a domain's chain of manifests. */
export function chainHeadKey(domain: string): ItemKey {
  return { pk: join(SEAL, keyPart(domain)), sk: CHAIN_HEAD };
}

const CHAIN_HEAD = 'HEAD';
const GIVEN_UP = 'GIVEN-UP';

/** Returns the domain whose chain's head has this key; undefined for any other key. */
export function domainOfChainHead({ pk, sk }: ItemKey): string | undefined {
  const [prefix, domain] = split(pk);
  return prefix === SEAL && sk === CHAIN_HEAD ? domain : undefined;
}

/** Returns the key of the time up to which a domain is sealed. */
export function sealPositionKey(domain: string): ItemKey {
  return { pk: join(SEAL, keyPart(domain)), sk: 'POSITION' };
}

/** Returns the key of the head of a domain's chain that was given up. */
export function givenUpChainKey(domain: string, sequence: number): ItemKey {
  return { pk: join(SEAL, keyPart(domain)), sk: join(GIVEN_UP, timeKey(sequence)) };
}

/** Returns true for what a domain's archive left behind, except heads; of no use once its chain is given up. */
export const isOfChain = ({ sk }: ItemKey) => sk !== CHAIN_HEAD && !sk.startsWith(`${GIVEN_UP}${SEPARATOR}`);

/** Key of seal's lease. */
export const SEAL_LEASE_KEY: ItemKey = { pk: LEDGER, sk: 'SEALING' };

/** Returns the partition of the deliveries to a receiver that were published in the hour of a time. */
function deliveryPartition(receiver: string, publishedAtSeconds: number): string {
  return join(DELIVERY, receiver, timeKey(deliveryHour(publishedAtSeconds)));
}

/** Returns the partitions of the deliveries that were published from one time to another, `to` excluded. */
export function deliveryPartitions(receiver: string, from: number, to: number): string[] {
  const partitions: string[] = [];
  for (let at = deliveryHour(from); at < to; at += HOUR_SECONDS) partitions.push(deliveryPartition(receiver, at));
  return partitions;
}

/** Returns the key of one delivery: its event, by the id and time under which it was published. */
export function deliveryKey(receiver: string, publishedAtSeconds: number, id: string): ItemKey {
  return { pk: deliveryPartition(receiver, publishedAtSeconds), sk: join(timeKey(publishedAtSeconds), id) };
}

/** Returns the start of the hour of a time, by which deliveries are partitioned. */
export const deliveryHour = (seconds: number): number => seconds - (seconds % HOUR_SECONDS);

/** Reads the key of a delivery; undefined for any other key. */
export function parseDeliveryKey({
  pk,
  sk,
}: ItemKey): { receiver: string; publishedAt: number; id: string } | undefined {
  const [kind, receiver] = split(pk);
  if (kind !== DELIVERY || receiver === undefined) return undefined;
  const [second = '', ...id] = split(sk);
  return { receiver, publishedAt: Number(second), id: join(...id) };
}

/** Returns the key of the state of a receiver. */
export function receiverStateKey(receiver: string): ItemKey {
  return { pk: join(RECEIVER, receiver), sk: 'STATE' };
}
