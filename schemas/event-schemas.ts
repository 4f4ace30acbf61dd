import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const FOLDER = join(import.meta.dirname, '../docs/schemas');
/** Reads a schema; one that it refers to takes the place of the reference, so that each can be used alone. */
const read = (file: string): JsonSchema =>
  JSON.parse(readFileSync(join(FOLDER, file), 'utf8'), (_, value) => {
    if (typeof value?.$ref !== 'string') return value;
    const { $schema: _draft, ...referred } = read(value.$ref);
    return referred;
  });

/** The schema of `detail` by the `detail-type` of what is published to the event bus. */
export const eventSchemas = {
  MessageStatusChanged: read('message-status-changed.v1.json'),
  SuppressionChanged: read('suppression-changed.v1.json'),
} as const;

/** The schema of the body of a request to a receiver. */
export const deliverySchema = read('delivery.v1.json');
