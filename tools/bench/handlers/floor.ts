import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { AWS_CLIENT_CONFIG } from '../../../lambdas/runtime/aws-client.ts';
import { createVerifier } from './verified-webhook.ts';

// The minimum that an ingest can do: parse, compare one HMAC, put one item conditionally, send one message. For
// measurements only: it checks nothing else, loses events when it crashes, and returns an error for a repeat.

const table = DynamoDBDocumentClient.from(new DynamoDBClient(AWS_CLIENT_CONFIG));
const queues = new SQSClient(AWS_CLIENT_CONFIG);
const verify = createVerifier(new SecretsManagerClient(AWS_CLIENT_CONFIG));

export async function handler(request: APIGatewayProxyEventV2) {
  const webhook = await verify(request);
  if (webhook === undefined) return { statusCode: 401 };
  const { signature, event } = webhook;
  await table.send(
    new PutCommand({
      TableName: process.env.TABLE_NAME,
      Item: { pk: `CLAIM#${signature.token}`, sk: 'CLAIM', expiresAt: Number(signature.timestamp) + 90_000 },
      ConditionExpression: 'attribute_not_exists(pk)',
    }),
  );
  await queues.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE_URL, MessageBody: JSON.stringify(event) }));
  return { statusCode: 200, body: '{"ok":true}' };
}
