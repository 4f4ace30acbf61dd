import { createHmac, timingSafeEqual } from 'node:crypto';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';

// The reference: the same work by the idempotency of Powertools, used as its documentation says. Measured only.

const queues = new SQSClient({});
const secrets = new SecretsManagerClient({});
let key: string | undefined;

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
  const { signature, 'event-data': event } = JSON.parse(request.body ?? '');
  key ??= await readKey();
  const expected = createHmac('sha256', key)
    .update(signature.timestamp + signature.token)
    .digest();
  if (!timingSafeEqual(expected, Buffer.from(signature.signature, 'hex'))) return { statusCode: 401 };
  return { statusCode: 200, body: JSON.stringify(await sendOnce({ token: signature.token, event })) };
}

async function readKey(): Promise<string> {
  const SecretId = process.env.SIGNING_KEYS_SECRET_ARN;
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  return JSON.parse(SecretString).current;
}
