import { createHmac } from 'node:crypto';
import { fieldsAsSent } from '../events/event-details.ts';
import type { EventIdentity } from '../events/identity.ts';
import { addresseesOf, KEPT_FAILURE_CLASS, parseEvent } from '../events/mailgun-event.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { erasedRecipientKey, eventSort, keyPart, namesRecipient, parseMessageSort, recipientKey } from '../keys.ts';
import { failureClassOf } from '../status/classify-failure.ts';
import { mailboxOf, withAddressesIn, withoutMailbox } from './address.ts';
import { mailboxProviderOf, OTHER_PROVIDER } from './mailbox-provider.ts';

// A recipient can be erased. What stays of their events is a tombstone: counted like any event, under a name that
// only the holder of the erasure key can match with an address.

/** Returns the keyed, case-insensitive hash of a recipient, which identifies their marker and tombstones. */
export function erasureHash(key: string, recipient: string): string {
  return hashOfKey(key, recipientKey(recipient));
}

/**
 * Returns the hashes of every marker by which an event of this recipient, as sent, is erased: of the text itself and of
 * each address that it names, also as an older version spelled them.
 */
export function erasureHashes(key: string, recipient: string): string[] {
  const named = new Set(withAddressesIn(recipient).map((each) => each.toLowerCase()));
  const inKeys = [...named].flatMap((each) => [recipientKey(each), keyPart(each), keyPart(each.normalize('NFC'))]);
  return [...new Set(inKeys)].map((each) => hashOfKey(key, each));
}

/**
 * Returns true if an event of this recipient, as sent, is erased with an address: the recipient is this mailbox, or names
 * it as a whole address. An event that names two is of both.
 */
export function isOf(recipient: string, address: string): boolean {
  return recipientKey(recipient) === recipientKey(address) || textWithoutAddress(recipient, address) !== recipient;
}

function hashOfKey(key: string, recipientInKeys: string): string {
  return createHmac('sha256', key).update(recipientInKeys).digest('hex');
}

/**
 * Returns where an event is stored once its recipient is erased; a tombstone, or an event without recipient, keeps its
 * place.
 */
export function tombstoneIdentity<Identity extends Pick<EventIdentity, 'eventSort'>>(
  identity: Identity,
  key: string,
): Identity {
  const { recipientKey: recipient, eventKey } = parseMessageSort(identity.eventSort);
  if (eventKey === undefined || !namesRecipient(recipient)) return identity;
  return { ...identity, eventSort: eventSort(erasedRecipientKey(hashOfKey(key, recipientKey(recipient))), eventKey) };
}

/**
 * Returns the tombstone of an erased recipient's event: the fields that counts distinguish, in Mailgun's words or ours,
 * without free text; tags that contain the address are dropped. The item keeps the exact time: rounded, the tombstone
 * would be in another slice than the event that Mailgun lists.
 */
export function tombstoneOf(event: JsonObject, domain: string): JsonObject {
  const parsed = parseEvent(event);
  const { name, id, reason, code, isByMachine, isTestMode, isInbound } = parsed;
  const { severity, tags } = fieldsAsSent(event);
  const failureClass = failureClassOf(parsed);
  const provider = mailboxProviderOf(parsed);
  const { recipient = '' } = parsed;
  const own = withAddressesIn(recipient).map(mailboxOf);
  const isKept = (tag: Json) =>
    typeof tag === 'string' && !own.some((each) => tag.toWellFormed().toLowerCase().includes(each));
  const flags = { ...(isTestMode && { 'is-test-mode': true }), ...(isInbound && { 'is-routed': true }) };
  return {
    event: name,
    ...(id !== undefined && { id }),
    domain: { name: domain },
    ...(parsed.severity !== undefined && { severity }),
    ...(reason !== undefined && isWord(reason) && { reason }),
    ...(code !== undefined && { 'delivery-status': { code } }),
    ...(failureClass !== null && { [KEPT_FAILURE_CLASS]: failureClass }),
    ...(provider !== OTHER_PROVIDER && isWord(provider) && { 'recipient-provider': provider }),
    ...(isByMachine && { 'client-info': { bot: true } }),
    ...(Object.keys(flags).length > 0 && { flags }),
    ...(tags !== null && { tags: tags.filter(isKept) }),
  };
}

/** Texts that Mailgun uses for many people alike; anything longer may be about one. */
const isWord = (text: string) => /^[a-z][a-z0-9. -]{0,39}$/.test(text);

/** Returns the distinct addresses in the event's recipient fields, its recipient first. */
export function namedAddresses(event: JsonObject): string[] {
  const byKey = new Map<string, string>();
  for (const address of addresseesOf(event)) {
    if (!byKey.has(recipientKey(address))) byKey.set(recipientKey(address), address);
  }
  return [...byKey.values()];
}

/** Returns another recipient's event with the address replaced everywhere; the same object if it does not occur. */
export function withoutAddress(event: JsonObject, address: string): JsonObject {
  return replaced(event, (text) => textWithoutAddress(text, address)) as JsonObject;
}

/** Returns the text, well-formed as addresses are, with the address replaced; the same text if it does not occur. */
export function textWithoutAddress(text: string, address: string): string {
  const wellFormed = text.toWellFormed();
  const without = withoutMailbox(wellFormed, address, 'erased');
  return without === wellFormed ? text : without;
}

function replaced(value: Json, without: (text: string) => string): Json {
  if (typeof value === 'string') return without(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => replaced(item, without));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isObject(value)) return value;
  const members = Object.entries(value);
  const cleaned = members.map(([name, member]) => [without(name), replaced(member, without)] as const);
  const isSame = cleaned.every(
    ([name, member], index) => name === members[index]?.[0] && member === members[index]?.[1],
  );
  return isSame ? value : Object.fromEntries(cleaned);
}
