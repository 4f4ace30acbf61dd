import { z } from 'zod';
import type { WebhooksCheckLine, WebhooksSyncLine } from '../../../../cli/commands/webhooks.ts';

const drift = z.strictObject({
  /** Null for all domains of the account. */
  domain: z.string().nullable(),
  kind: z.enum(['missing', 'no-room', 'double', 'foreign', 'unwanted']),
  type: z.string(),
  level: z.enum(['domain', 'account']).nullable(),
  /** For URLs of others, which may be secret, null. */
  url: z.string().nullable(),
});
const driftLine = drift.extend({ event: z.literal('drift') });

/** The lines of `webhooks check --json`. */
export const webhooksCheckLine = z.discriminatedUnion('event', [
  driftLine,
  z.strictObject({ event: z.literal('unread'), domain: z.string(), why: z.string() }),
  z.strictObject({ event: z.literal('checked'), domains: z.int(), types: z.int(), drift: z.int() }),
]) satisfies z.ZodType<WebhooksCheckLine>;

/** Lines of `webhooks sync --json`; with `--plan`, what would change. */
export const webhooksSyncLine = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('change'),
    /** Null for all domains of the account. */
    domain: z.string().nullable(),
    type: z.string(),
    /** `remove-double`: removes one of two registrations of this stack at the account. */
    change: z.enum(['add', 'remove', 'remove-double']),
    /** URL of a removed registration. */
    url: z.string().nullable(),
  }),
  driftLine,
  z.strictObject({ event: z.enum(['planned', 'synced']), changes: z.int(), drift: z.int() }),
]) satisfies z.ZodType<WebhooksSyncLine>;
