import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { createCachedSecret } from '../../../../lambdas/adapters/aws/secrets.ts';
import { namesCalls } from '../../../../lambdas/runtime/aws-client.ts';
import { errorFacts } from '../../../../lambdas/runtime/log.ts';

const UNREACHABLE = {
  region: 'eu-central-1',
  credentials: { accessKeyId: 'id', secretAccessKey: 'key' },
  maxAttempts: 1,
  requestHandler: {
    handle: async () => {
      throw Object.assign(new Error('read ECONNRESET'), { name: 'TimeoutError' });
    },
  },
};
const factsOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => errorFacts(error),
  );

test('a secret that cannot be read is named by its output, with service and operation', async () => {
  const client = namesCalls(new SecretsManagerClient(UNREACHABLE));
  const secret = createCachedSecret(client, 'arn:of-it', Date.now, 'SigningKeysSecretArn');

  const facts = await factsOf(secret.read());

  expect(facts).toMatchObject({
    error: 'TimeoutError',
    detail: 'read ECONNRESET',
    call: 'SecretsManager GetSecretValue',
    secret: 'SigningKeysSecretArn',
  });
  expect(JSON.stringify(facts)).not.toContain('arn:of-it');
});

test('a secret without text is named by its output too', async () => {
  const secret = createCachedSecret({ send: async () => ({}) } as never, 'arn', Date.now, 'ApiKeySecretArn');

  expect(await factsOf(secret.read())).toMatchObject({ call: undefined, secret: 'ApiKeySecretArn' });
});

test('a call of the table by its document client is named as the operation that it is', async () => {
  const table = DynamoDBDocumentClient.from(namesCalls(new DynamoDBClient(UNREACHABLE)));

  expect(await factsOf(table.send(new GetCommand({ TableName: 'any', Key: { pk: 'x' } })))).toMatchObject({
    call: 'DynamoDB GetItem',
    secret: undefined,
  });
});
