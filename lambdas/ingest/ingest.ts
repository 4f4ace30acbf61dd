import {
  MAX_BODY_BYTES,
  MAX_QUEUE_MESSAGE_BYTES,
  SIGNATURE_AHEAD_SECONDS,
  SIGNATURE_WINDOW_SECONDS,
  UNKNOWN_DOMAIN,
} from '../contract.ts';
import { eventDomain, messageIdOf, namedDomain } from '../domain/events/event.ts';
import { identify } from '../domain/events/identity.ts';
import { encodeQueueMessage, type QueueMessage } from '../domain/events/queue-message.ts';
import { isHostName } from '../domain/host-name.ts';
import type { JsonObject } from '../domain/json.ts';
import { claimExpiry } from '../domain/webhooks/claim.ts';
import { claimKey, isFresh, type Signature, type SigningKeys, signedBy } from '../domain/webhooks/signature.ts';
import type { ParsedWebhook } from '../domain/webhooks/webhook-body.ts';
import type { Claims, EventLookup, EventSender, FirstWebhook, KeyRing } from './ports.ts';

export type RefusalReason =
  | 'body-too-large'
  | 'malformed-body'
  | 'malformed-webhook'
  | 'unauthorized'
  | 'stale'
  | 'not-an-event'
  | 'foreign-domain'
  | 'token-reused'
  | 'signing-key-unset'
  | 'signing-key-unreadable'
  | 'table-unavailable'
  | 'queue-unavailable';

/**
 * `cause` is the failure behind a refusal for which the sender is not responsible. `wasInUse` is set if there is no
 * key: true if webhooks were acknowledged before, undefined if the table is unavailable. `signedAt` (epoch seconds) is
 * set if it is stale.
 */
export type IngestResult =
  | { ok: true }
  | {
      ok: false;
      reason: RefusalReason;
      messageId?: string | undefined;
      cause?: unknown;
      wasInUse?: boolean | undefined;
      signedAt?: number;
    };

interface IngestDeps {
  keys: KeyRing;
  claims: Claims;
  events: EventLookup;
  firstWebhook: Pick<FirstWebhook, 'isNoted'>;
  queue: EventSender;
  /** The sending domains of this environment, lower case; none where it takes all of the Mailgun account. */
  domains: readonly string[];
  /** Present where it takes all of the account: returns those that are known. */
  knownDomains?: (() => Promise<readonly string[]>) | undefined;
  /** Returns the versioned hash of an event, `<version>:<digest>`. */
  hashEvent: (event: JsonObject) => string;
  now: () => number;
  newClaimId: () => string;
  /** Called with the name and the value of the key that a signature matched. */
  onVerified?: (name: keyof SigningKeys, key: string) => void;
}

/** A POST to the webhook URL; `parse` reads the body by its content type. */
interface Post {
  bytes: Uint8Array;
  parse: (bytes: Uint8Array) => ParsedWebhook | Promise<ParsedWebhook>;
}

/**
 * Returns the use case of ingest. `{ok: true}` promises that the event is stored or in the queue. No check is skipped
 * because a field is absent.
 */
export function createIngest(deps: IngestDeps): (post: Post) => Promise<IngestResult> {
  return async ({ bytes, parse }) => {
    if (bytes.length > MAX_BODY_BYTES) return { ok: false, reason: 'body-too-large' };
    const parsed = await parse(bytes);
    if (!parsed.ok) return parsed;

    const { signature, event } = parsed.webhook;
    const refusal = await authenticate(deps, signature);
    if (refusal !== undefined) return refusal;
    const nowMs = deps.now();
    if (!isFresh(signature.timestamp, nowMs, SIGNATURE_WINDOW_SECONDS, SIGNATURE_AHEAD_SECONDS)) {
      const signedAt = Number(signature.timestamp);
      return { ok: false, reason: 'stale', messageId: event && messageIdOf(event), signedAt };
    }
    if (event === undefined) return { ok: false, reason: 'not-an-event' };
    const messageId = messageIdOf(event);
    let domain: string | undefined;
    try {
      domain = await ownDomain(deps, event);
    } catch (cause) {
      return { ok: false, reason: 'table-unavailable', messageId, cause };
    }
    if (domain === undefined) return { ok: false, reason: 'foreign-domain', messageId };
    const message: QueueMessage = { source: 'webhook', receivedAt: nowMs, domain, event };
    // Checked before the token is claimed: the queue would never accept this message.
    if (isTooLarge(message, bytes.length)) return { ok: false, reason: 'body-too-large', messageId };
    const identity = identify(event, domain);
    const claim = {
      key: claimKey(signature),
      id: deps.newClaimId(),
      hash: deps.hashEvent(event),
      expiresAt: claimExpiry(signature.timestamp),
    };
    try {
      const outcome = await deps.claims.claim(claim, Math.floor(nowMs / 1000));
      if (outcome === 'other-event') return { ok: false, reason: 'token-reused', messageId };
      // A repeat proves only that the token was claimed: the first attempt may have crashed before the send.
      const isStored = outcome === 'same-event' && (await deps.events.isStored(identity));
      // An event erased in the meantime is sent again too: process recognizes its tombstone.
      if (isStored && (await deps.events.noteWebhook(identity, nowMs))) return { ok: true };
    } catch (cause) {
      return { ok: false, reason: 'table-unavailable', messageId, cause };
    }
    try {
      await deps.queue.send(message);
    } catch (cause) {
      return { ok: false, reason: 'queue-unavailable', messageId, cause };
    }
    return { ok: true };
  };
}

/** Returns the domain in whose ledger an event belongs; undefined where it names one that is not ours. */
async function ownDomain({ domains, knownDomains }: IngestDeps, event: JsonObject): Promise<string | undefined> {
  const named = namedDomain(event);
  if (knownDomains === undefined) {
    return named !== undefined && !domains.includes(named) ? undefined : eventDomain(event, domains);
  }
  // The account's key has signed it, so a domain that is not known yet may be a new one; it has no ledger before Mailgun
  // lists it.
  if (named !== undefined) return isHostName(named) ? named : UNKNOWN_DOMAIN;
  return eventDomain(event, await knownDomains(), UNKNOWN_DOMAIN);
}

/** Escaping makes non-ASCII text grow, up to twelvefold where a legacy form repeats it. */
const MAX_GROWTH = 12;

function isTooLarge(message: QueueMessage, bodyBytes: number): boolean {
  if (bodyBytes * MAX_GROWTH <= MAX_QUEUE_MESSAGE_BYTES) return false;
  return encodeQueueMessage(message).length > MAX_QUEUE_MESSAGE_BYTES;
}

/** Returns a refusal, or undefined where a key matches. */
async function authenticate(deps: IngestDeps, signature: Signature): Promise<IngestResult | undefined> {
  const isSignedBy = (keys: SigningKeys) => {
    const name = signedBy(signature, keys);
    if (name !== undefined) deps.onVerified?.(name, keys[name] ?? '');
    return name !== undefined;
  };
  try {
    const known = await deps.keys.read();
    if (isSignedBy(known)) return undefined;
    // The key may have been rotated, or set for the first time.
    const fresh = await deps.keys.reread();
    if (fresh !== undefined && isSignedBy(fresh)) return undefined;
    if (Object.keys(fresh ?? known).length > 0) return { ok: false, reason: 'unauthorized' };
    return withoutKey(deps, { ok: false, reason: 'signing-key-unset' });
  } catch (cause) {
    return withoutKey(deps, { ok: false, reason: 'signing-key-unreadable', cause });
  }
}

/**
 * Adds `wasInUse` to the refusal: a key that disappeared pages, one that was never set does not. Only this path reads the
 * table, so an acknowledged webhook costs no read.
 */
async function withoutKey({ firstWebhook }: IngestDeps, refusal: IngestResult & { ok: false }): Promise<IngestResult> {
  const wasInUse = await firstWebhook.isNoted().catch(() => undefined);
  return { ...refusal, wasInUse };
}
