import { isDeeperThan, isObject, type Json, type JsonObject, parseJson } from '../json.ts';
import { eventFromLegacyForm, type FormFields } from './legacy-form.ts';
import type { Signature } from './signature.ts';

/** A webhook's signature and event; `event` is absent for inbound Route posts, which carry the same signature. */
interface Webhook {
  signature: Signature;
  event?: JsonObject;
}

export type ParsedWebhook =
  | { ok: true; webhook: Webhook }
  | { ok: false; reason: 'malformed-body' | 'malformed-webhook' };

/** Mailgun's events nest about five levels; deeper ones would exhaust the stack when they are written out again. */
const MAX_DEPTH = 64;

/** Reads the JSON format ("Webhooks 2.0"): `{"signature": {...}, "event-data": {...}}`. */
export function parseJsonWebhook(bytes: Uint8Array): ParsedWebhook {
  let body: Json;
  try {
    body = parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return { ok: false, reason: 'malformed-body' };
  }
  if (isDeeperThan(body, MAX_DEPTH)) return { ok: false, reason: 'malformed-body' };
  const block = isObject(body) && isObject(body.signature) ? body.signature : {};
  const signature = signatureBlock(block.timestamp, block.token, block.signature, block['parent-signature']);
  const event = isObject(body) ? body['event-data'] : undefined;
  if (signature === undefined || !isObject(event)) return { ok: false, reason: 'malformed-webhook' };
  if (typeof event.event !== 'string' || event.event.trim() === '') return { ok: false, reason: 'malformed-webhook' };
  return { ok: true, webhook: { signature, event } };
}

/**
 * Reads the legacy form format. User variables are merged into the fields and may share their names:
 * the last value counts for the signature's fields, the first for all others.
 */
export function parseFormWebhook(fields: FormFields): ParsedWebhook {
  const last = (name: string) => fields.findLast(([field]) => field === name)?.[1];
  const signature = signatureBlock(last('timestamp'), last('token'), last('signature'), last('parent-signature'));
  if (signature === undefined) return { ok: false, reason: 'malformed-webhook' };
  const event = eventFromLegacyForm(fields, signature.timestamp);
  return { ok: true, webhook: event === undefined ? { signature } : { signature, event } };
}

function signatureBlock(
  timestamp: Json | undefined,
  token: Json | undefined,
  signature: Json | undefined,
  parent: Json | undefined,
): Signature | undefined {
  const time = Number.isSafeInteger(timestamp) ? String(timestamp) : timestamp;
  if (typeof time !== 'string' || typeof token !== 'string' || typeof signature !== 'string') return undefined;
  return { timestamp: time, token, signature, ...(typeof parent === 'string' && { parentSignature: parent }) };
}
