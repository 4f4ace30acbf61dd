import type { StackRun } from '../run/run.ts';
import type { EngineChoice } from './choose-engine.ts';
import { type CloudWatchEngine, createCloudWatch } from './cloudwatch.ts';
import { startEngineProcess } from './engine-process.ts';
import type { DynamoDbEngine } from './engine-program.ts';
import { createEvents, type EventsEngine } from './events.ts';
import { createKms, type KmsEngine } from './kms.ts';
import { createS3, type S3Engine } from './s3.ts';
import { createSecrets, type SecretsEngine } from './secrets.ts';
import { type SqsEngine, startSqs } from './sqs.ts';

/** The AWS services that functions call, by the names under which calls are counted. */
export interface Engines {
  readonly dynamodb: DynamoDbEngine;
  readonly sqs: SqsEngine;
  readonly secretsmanager: SecretsEngine;
  readonly events: EventsEngine;
  readonly cloudwatch: CloudWatchEngine;
  readonly kms: KmsEngine;
  readonly s3: S3Engine;
}

export async function startEngines(run: StackRun, { program }: EngineChoice): Promise<Engines> {
  const [dynamodb, sqs] = await Promise.all([startEngineProcess(program, run), startSqs()]);
  run.disposables.add(() => sqs.close());
  return {
    dynamodb,
    sqs,
    secretsmanager: createSecrets(),
    events: createEvents(),
    cloudwatch: createCloudWatch(),
    kms: createKms(),
    s3: createS3(),
  };
}
