import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { createVerifier } from './verified-webhook.ts';

// The reference: the same work with the idempotency utility of Powertools, used as documented. For measurements only.

const queues = new SQSClient({});
const verify = createVerifier(new SecretsManagerClient({}));

const config = new IdempotencyConfig({ eventKeyJmesPath: 'token', expiresAfterSeconds: 90_000 });
const sendOnce = makeIdempotent(
  async ({ event }: { token: string; event: unknown }) => {
    await queues.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: JSON.stringify(event) }));
    return { ok: true };
  },
  {
    persistenceStore: new DynamoDBPersistenceLayer({ tableName: process.env.IDEMPOTENCY_TABLE_NAME ?? '' }),
    config,
  },
);

export async function handler(request: APIGatewayProxyEventV2, context: Context) {
  config.registerLambdaContext(context);
  const webhook = await verify(request);
  if (webhook === undefined) return { statusCode: 401 };
  const { signature, event } = webhook;
  return { statusCode: 200, body: JSON.stringify(await sendOnce({ token: signature.token, event })) };
}
