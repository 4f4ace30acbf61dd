import * as z from 'zod/mini';

/** The schemas that the description of the API lists by name. */
export const named = z.registry<{ id: string }>();

/** Returns the schema, listed under this name. */
export function name<Schema extends z.ZodMiniType>(id: string, schema: Schema): Schema {
  named.add(schema, { id });
  return schema;
}

/** Returns the schema with a sentence for the API description; copies a schema that has one already. */
export function says<Schema extends z.ZodMiniType>(description: string, schema: Schema): Schema {
  const described = z.globalRegistry.has(schema) ? z.clone(schema) : schema;
  z.globalRegistry.add(described, { description });
  return described;
}

export const count = (description: string) => says(description, z.int().check(z.gte(0)));

/** A field of the event as Mailgun sent it, of whatever type; null where it sent none. */
export const asSent = (description = 'As Mailgun sent it.') => says(description, z.unknown());

/** ISO 8601 in UTC, with milliseconds. */
export const isoTime = (description: string) => says(description, z.iso.datetime());

export const epochSeconds = name('EpochSeconds', says('Epoch seconds, with milliseconds as fraction.', z.number()));

export const next = name('Next', says('Cursor of the next page; null on the last.', z.nullable(z.string())));

export const status = name(
  'Status',
  says(
    'The highest of what the events say, whatever their order. Null where no event says anything about delivery.',
    z.nullable(z.enum(['ACCEPTED', 'DEFERRED', 'DELIVERED', 'FAILED', 'COMPLAINED'])),
  ),
);

export const source = name(
  'Source',
  says('What brought the copy of the event that was stored first.', z.enum(['webhook', 'reconcile'])),
);

/** The one mark of what may be forged. */
export const unconfirmed = name(
  'Unconfirmed',
  says(
    "Whether Mailgun's own list did not hold the event that says so when it was looked at for the last time: it may be forged.",
    z.boolean(),
  ),
);

export const confirmed = name(
  'Confirmed',
  says(
    'Whether Mailgun lists the event that says so. Neither this nor `unconfirmed`: its time was not compared with the list since it came in, or an event of its type and time is in doubt.',
    z.boolean(),
  ),
);

export const counts = name(
  'Counts',
  says('Events by type; a type that is absent has none.', z.record(z.string(), z.int().check(z.gte(1)))),
);

export type CountsByType = z.infer<typeof counts>;
