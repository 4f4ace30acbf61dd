import type { Run } from '../run.ts';
import { type DynamoDbEngine, startDynamoDb } from './dynamodb.ts';
import { createEvents, type EventsEngine } from './events.ts';
import { requireJava } from './java.ts';
import { createSecrets, type SecretsEngine } from './secrets.ts';
import { type SqsEngine, startSqs } from './sqs.ts';

/** The AWS services that functions call, by the names their calls are counted under. */
export interface Engines {
  readonly dynamodb: DynamoDbEngine;
  readonly sqs: SqsEngine;
  readonly secretsmanager: SecretsEngine;
  readonly events: EventsEngine;
}

export async function startEngines(run: Run): Promise<Engines> {
  await requireJava();
  const [dynamodb, sqs] = await Promise.all([startDynamoDb(run), startSqs()]);
  run.closers.add(() => sqs.close());
  return { dynamodb, sqs, secretsmanager: createSecrets(), events: createEvents() };
}
