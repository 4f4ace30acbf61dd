import * as z from 'zod/mini';

/** The schemas that the description of the API lists by name. */
export const named = z.registry<{ id: string }>();

/** Returns the schema, listed under this name. */
export function name<Schema extends z.ZodMiniType>(id: string, schema: Schema): Schema {
  named.add(schema, { id });
  return schema;
}

/** Returns the schema with a description for the OpenAPI document; copies a schema that already has one. */
export function described<Schema extends z.ZodMiniType>(description: string, schema: Schema): Schema {
  const own = z.globalRegistry.has(schema) ? z.clone(schema) : schema;
  z.globalRegistry.add(own, { description });
  return own;
}

export const count = (description: string) => described(description, z.int().check(z.gte(0)));

/** A field of the event as Mailgun sent it, of whatever type; null where it sent none. */
export const asSent = (description = 'As Mailgun sent it.') => described(description, z.unknown());

/** ISO 8601 in UTC, with milliseconds. */
export const isoTime = (description: string) => described(description, z.iso.datetime());

export const epochSeconds = name(
  'EpochSeconds',
  described('Epoch seconds, with milliseconds as the fraction.', z.number()),
);

export const next = name('Next', described('Cursor of the next page; null on the last page.', z.nullable(z.string())));

export const status = name(
  'Status',
  described(
    'The status with the highest precedence among those of the events, in whatever order they arrived. Null if no event concerns delivery.',
    z.nullable(z.enum(['ACCEPTED', 'DEFERRED', 'DELIVERED', 'FAILED', 'COMPLAINED'])),
  ),
);

export const source = name(
  'Source',
  described('How the stored copy of the event arrived first.', z.enum(['webhook', 'reconcile'])),
);

/** The only mark of events that may be forged. */
export const unconfirmed = name(
  'Unconfirmed',
  described(
    "True if Mailgun's own list did not contain the underlying event when it was last checked: the event may be forged.",
    z.boolean(),
  ),
);

export const confirmed = name(
  'Confirmed',
  described(
    'True if Mailgun lists the underlying event. If both this and `unconfirmed` are false, its time has not been compared with the list since the event was stored, or an event of the same type and time is in doubt.',
    z.boolean(),
  ),
);

export const counts = name(
  'Counts',
  described(
    'Number of events by type; types without events are absent.',
    z.record(z.string(), z.int().check(z.gte(1))),
  ),
);

export type CountsByType = z.infer<typeof counts>;
