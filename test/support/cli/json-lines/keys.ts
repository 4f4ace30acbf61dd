import { z } from 'zod';
import type { KeysRotateLine } from '../../../../cli/commands/keys/rotate.ts';
import type { KeysSetLine, KeysStatusLine } from '../../../../cli/commands/keys.ts';

const name = z.enum(['current', 'previous', 'parent', 'apiKey']);
/** First eight hex digits of the SHA-256. */
const fingerprint = z.string().regex(/^[0-9a-f]{8}$/);

/** The lines of `keys set --json`. */
export const keysSetLine = z.strictObject({
  event: z.enum(['planned', 'set']),
  key: z.enum(['current', 'parent', 'apiKey']),
  fingerprint,
  /** False if the key was the same. */
  changed: z.boolean(),
  /** Fingerprint of the key that is now `previous`; null if none. */
  previous: fingerprint.nullable(),
  /** True if the secret held no JSON object; its content is lost. */
  replacesUnreadable: z.boolean(),
  /** When signing-key-unusable returns to OK; null if there was a key. */
  alarmEndsBy: z.iso.datetime().nullable(),
}) satisfies z.ZodType<KeysSetLine>;

const environment = z.strictObject({
  event: z.literal('environment'),
  name: z.string(),
  shares: z.enum(['yes', 'no', 'unknown']),
  why: z.string().nullable(),
  command: z.string(),
});

/** The lines of `keys rotate --json`. */
export const keysRotateLine = z.discriminatedUnion('event', [
  environment,
  /** Number of other environments that have, or may have, the same key. */
  z.strictObject({ event: z.literal('planned'), others: z.int() }),
  z.strictObject({ event: z.literal('rotated'), fingerprint, previous: fingerprint.nullable(), replaced: z.boolean() }),
]) satisfies z.ZodType<KeysRotateLine>;

/** The lines of `keys status --json`. */
export const keysStatusLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('key'),
    key: name,
    set: z.boolean(),
    fingerprint: fingerprint.nullable(),
    /** When the secret was last written. */
    since: z.iso.datetime().nullable(),
  }),
  z.strictObject({
    event: z.literal('verified'),
    since: z.iso.datetime(),
    current: z.int(),
    previous: z.int(),
    parent: z.int(),
    /** 401 responses: no key matched. */
    others: z.record(z.string(), z.int()),
    unauthorized: z.int(),
  }),
  z.strictObject({
    event: z.literal('unreadable'),
    key: z.enum(['current', 'apiKey']),
    why: z.string(),
    fix: z.string(),
  }),
  z.strictObject({
    event: z.literal('mailgun'),
    matches: z.boolean().nullable(),
    key: z.enum(['current', 'parent', 'previous']).nullable(),
    fingerprint: fingerprint.nullable(),
    why: z.string().nullable(),
  }),
]) satisfies z.ZodType<KeysStatusLine>;
