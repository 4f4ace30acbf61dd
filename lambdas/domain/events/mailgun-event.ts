import { type EventType, eventTypeOf } from '../event-types.ts';
import { isObject, type Json, type JsonObject, textIn } from '../json.ts';
import { addressesIn, withAddressesIn } from '../recipients/address.ts';
import { deliveryCode, eventId, eventName, eventTimeMs, messageIdOf, namedDomain } from './event.ts';
import { textAt, valueAt } from './json-path.ts';
import { type OwnFacts, ownFacts } from './mailgun-codes.ts';

/** A Mailgun event, parsed once; fields that are not here remain in `raw`. */
export interface MailgunEvent extends OwnFacts {
  raw: JsonObject;
  /** Mailgun's event name in lower case; empty if absent. */
  name: string;
  /** The facts of its type. A temporary failure after which Mailgun gives up is a permanent one. */
  type: EventType;
  id: string | undefined;
  /** Its own time, cut to milliseconds. */
  timeMs: number | undefined;
  messageId: string | undefined;
  /** The recipient as sent. */
  recipient: string | undefined;
  /** The sending domain that it names. */
  domain: string | undefined;
  severity: string | undefined;
  reason: string | undefined;
  /** SMTP or Mailgun code of a delivery attempt. */
  code: number | undefined;
  /** The code as sent, where it is a text. */
  codeText: string | undefined;
  /** Enhanced code such as `5.1.1`. */
  enhancedCode: string | undefined;
  /** The other mail server's reply with Mailgun's addition, which is alone if there was no attempt. */
  deliveryMessage: string | undefined;
  deliveryDescription: string | undefined;
  /** Why Mailgun rejected the mail, in a word and in a sentence. */
  rejectReason: string | undefined;
  rejectDescription: string | undefined;
  bounceType: string | undefined;
  /** Mailbox provider of the recipient, as Mailgun names it. */
  provider: string | undefined;
  /** Host that accepted or refused the mail. */
  mxHost: string | undefined;
  /** Address that the mail was sent from. */
  sendingIp: string | undefined;
  subject: string | undefined;
  /** Address of the mailing list that an unsubscribe is from. */
  mailingList: string | undefined;
  /** Tags, lower case, each once: Mailgun does not distinguish their case. */
  tags: string[];
  url: string | undefined;
  /** True if a machine opened or clicked, and not a person. */
  isByMachine: boolean;
  /** True if nothing was sent. Mailgun marks such mail as delivered, and without a status a test would show nothing. */
  isTestMode: boolean;
  /** True if it is mail to us that Mailgun routed on, and not mail that we sent. */
  isInbound: boolean;
  /** True if Mailgun gave up, though it calls the failure temporary: DEFERRED would never end. */
  hasGivenUp: boolean;
  /** What a tombstone keeps of what was erased; undefined in every other event. */
  kept: KeptFacts | undefined;
}

/** Facts that only we write into an event. */
interface KeptFacts {
  failureClass: string | undefined;
  /** Key that an erased recipient has in place of the address. */
  recipientKey: string | undefined;
}

/** Field with a tombstone's failure class: the texts it was derived from are not kept. */
export const KEPT_FAILURE_CLASS = 'failure-class';

/** Field of an archived tombstone that distinguishes erased recipients, so that people are still counted. */
export const KEPT_RECIPIENT_KEY = 'erased-recipient';

/** Reads an event; a field that is absent or of another type is undefined. */
export function parseEvent(raw: JsonObject): MailgunEvent {
  const name = eventName(raw);
  const severity = textAt(raw, 'severity')?.toLowerCase();
  const reason = textAt(raw, 'reason')?.toLowerCase();
  const code = deliveryCode(raw);
  const own = ownFacts(reason, code);
  const hasGivenUp = name === 'failed' && severity === 'temporary' && own.isTooOld;
  return {
    raw,
    name,
    type: eventTypeOf(name, hasGivenUp ? 'permanent' : severity),
    id: eventId(raw),
    timeMs: eventTimeMs(raw),
    messageId: messageIdOf(raw),
    recipient: recipientOf(raw),
    domain: namedDomain(raw),
    severity,
    reason,
    code,
    ...own,
    codeText: textAt(raw, 'delivery-status', 'code'),
    enhancedCode: textAt(raw, 'delivery-status', 'enhanced-code'),
    deliveryMessage: textAt(raw, 'delivery-status', 'message'),
    deliveryDescription: textAt(raw, 'delivery-status', 'description'),
    rejectReason: textAt(raw, 'reject', 'reason'),
    rejectDescription: textAt(raw, 'reject', 'description'),
    bounceType: textAt(raw, 'delivery-status', 'bounce-type')?.toLowerCase(),
    provider: textAt(raw, 'recipient-provider'),
    mxHost: textAt(raw, 'delivery-status', 'mx-host'),
    sendingIp: textAt(raw, 'envelope', 'sending-ip'),
    subject: textAt(raw, 'message', 'headers', 'subject'),
    mailingList: textAt(raw, 'mailing-list', 'address') ?? textAt(raw, 'mailing-list'),
    tags: tagsOf(raw),
    url: textAt(raw, 'url'),
    isByMachine: isBot(valueAt(raw, 'client-info', 'bot') ?? null),
    isTestMode: valueAt(raw, 'flags', 'is-test-mode') === true,
    isInbound: isInbound(raw),
    hasGivenUp,
    kept: keptFacts(raw),
  };
}

function keptFacts(raw: JsonObject): KeptFacts | undefined {
  // A tombstone names no recipient; anyone else's event may have fields of these names.
  if (recipientOf(raw) !== undefined) return undefined;
  const [failureClass, recipientKey] = [textAt(raw, KEPT_FAILURE_CLASS), textAt(raw, KEPT_RECIPIENT_KEY)];
  return failureClass === undefined && recipientKey === undefined ? undefined : { failureClass, recipientKey };
}

/** Returns the recipient as sent; `rejected` events name it only in the To header, which counts where it is one address. */
export function recipientOf(raw: JsonObject): string | undefined {
  const recipient = textAt(raw, 'recipient')?.trim();
  if (recipient) return recipient;
  const to = textAt(raw, 'message', 'headers', 'to');
  if (to === undefined || eventName(raw) !== 'rejected') return undefined;
  const [first, ...others] = addressesIn(to);
  return others.length === 0 ? first : undefined;
}

/** Returns the addresses that an event names as recipients, its own first. */
export function addresseesOf(raw: JsonObject): string[] {
  const lists = [
    textAt(raw, 'message', 'headers', 'to'),
    textAt(raw, 'envelope', 'targets'),
    textAt(raw, 'member', 'address'),
    ...textsIn(valueAt(raw, 'message', 'recipients')),
  ];
  const own = recipientOf(raw);
  const listed = lists.filter((list) => list !== undefined).flatMap((list) => withAddressesIn(list).slice(1));
  return [...new Set([...(own === undefined ? [] : withAddressesIn(own)), ...listed])];
}

const textsIn = (values: Json | undefined) =>
  Array.isArray(values) ? values.flatMap((each) => textIn(each) ?? []) : [];

/** Returns the tags of an event, lower case, each once. */
export function tagsOf(raw: JsonObject): string[] {
  return [...new Set(textsIn(valueAt(raw, 'tags')).map((tag) => tag.toLowerCase()))];
}

/** Values of `client-info.bot` that were seen for a person. */
const NO_BOT: readonly Json[] = [null, false, '', 'no', 'false', 'none'];

function isBot(bot: Json): boolean {
  return !NO_BOT.includes(typeof bot === 'string' ? bot.trim().toLowerCase() : bot);
}

/** Returns true for mail to us that Mailgun routed on, as opposed to mail that we sent. */
function isInbound(raw: JsonObject): boolean {
  const routes = valueAt(raw, 'routes');
  return (
    valueAt(raw, 'flags', 'is-routed') === true ||
    /^https?$/i.test(textAt(raw, 'envelope', 'transport') ?? '') ||
    (Array.isArray(routes) ? routes.length > 0 : isObject(routes))
  );
}

/** Returns an event with only what decides its recipient, its flags and if it is inbound, and what the archive knows. */
export function outlineOf(
  { recipient, flags, envelope, routes }: JsonObject,
  { type, isByMachine }: { readonly type: string; readonly isByMachine: boolean },
): JsonObject {
  const sent = Object.entries({ recipient, flags, envelope, routes });
  return {
    event: type,
    ...(isByMachine && { 'client-info': { bot: true } }),
    ...Object.fromEntries(sent.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
  };
}
