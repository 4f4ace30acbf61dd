import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const FOLDER = join(import.meta.dirname, '../docs/schemas');
const read = (file: string): JsonSchema => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));

/** The schema of `detail` by the `detail-type` of what is published to the event bus. */
export const eventSchemas = {
  MessageStatusChanged: read('message-status-changed.v1.json'),
  SuppressionChanged: read('suppression-changed.v1.json'),
} as const;
