import * as z from 'zod/mini';
import { named } from '../responses/schema.ts';
// Each registers its own schemas.
import '../responses/campaign.ts';
import '../responses/events.ts';
import '../responses/health.ts';
import '../responses/ledger.ts';
import '../responses/mails.ts';
import '../responses/message.ts';
import '../responses/receivers.ts';
import '../responses/recipient.ts';
import '../responses/refusal.ts';
import '../responses/suppressions.ts';

/** Returns every named schema of the responses as JSON Schema, in the order of their names. */
export function responseSchemas() {
  const { schemas } = z.toJSONSchema(named, { io: 'input', uri: (id) => `#/components/schemas/${id}` });
  const sorted = Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1));
  // The document declares the dialect once, and references schemas by their place in it.
  return Object.fromEntries(sorted.map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]));
}
