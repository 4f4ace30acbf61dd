import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { AWS_CLIENT_CONFIG } from '../../../lambdas/runtime/aws-client.ts';
import { publishes } from '../../../tools/local-ledger/config-overlay.ts';
import { chooseTableEngine, openLedgerRun, synthesizeLedger } from '../../../tools/local-ledger/stack-settings.ts';
import { openLocalAws } from '../../../tools/local-stack/aws/local-aws.ts';
import { request } from '../../../tools/local-stack/engines/engine.ts';
import { startEngines } from '../../../tools/local-stack/engines/engines.ts';
import { Disposables } from '../../../tools/local-stack/run/disposables.ts';
import { outputOf } from '../../../tools/local-stack/template/stack.ts';
import { createRandom } from '../../../tools/mailgun-twin/random.ts';
import { DOMAIN } from '../fixtures/webhooks.ts';
import { patientConfig } from './patience.ts';
import { shortLivedEngine } from './short-lived-engine.ts';

/**
 * Starts the engines with the template's tables, queues and secrets, behind the endpoint that injects faults; `more`
 * extends the configuration.
 */
export async function startTestEngines(more: object = {}) {
  const disposables = new Disposables();
  const run = await openLedgerRun(0, disposables);
  const overlay = { domains: [{ name: DOMAIN, region: 'us' }], ...more };
  const choice = await chooseTableEngine({ name: await shortLivedEngine(), needsStream: publishes(overlay) });
  const [assembly, engines] = await Promise.all([synthesizeLedger(run, overlay), startEngines(run, choice)]);
  const { stack, faults, usage } = await openLocalAws({ assembly, engines, random: createRandom(1).next }, run);
  const { awsEndpointUrl, region } = stack.account;

  const place = {
    endpoint: awsEndpointUrl,
    region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const clientConfig = { ...place, ...patientConfig() };
  const dynamodb = new DynamoDBClient(clientConfig);
  const queues = new SQSClient(clientConfig);
  const secrets = new SecretsManagerClient(clientConfig);
  const bus = new EventBridgeClient(clientConfig);
  return {
    faults,
    usage,
    table: {
      client: DynamoDBDocumentClient.from(dynamodb),
      name: outputOf(stack, 'TableName'),
    },
    dynamodb,
    /** Writes a batch directly to the engine, bypassing the endpoint's metering: much faster. */
    writeBatch: (items: object[]) =>
      request<{ UnprocessedItems?: object }>(engines.dynamodb, 'BatchWriteItem', {
        RequestItems: { [outputOf(stack, 'TableName')]: items.map((Item) => ({ PutRequest: { Item } })) },
      }),
    queues,
    secrets,
    bus,
    /** Configuration of a client that gives up as early as the functions do. */
    hastyConfig: { ...place, ...AWS_CLIENT_CONFIG },
    /** The template, and the engines behind the endpoint. */
    stack,
    raw: engines,
    /** Sets the signing keys, as an operator would. */
    putKeys: (keys: object | string) =>
      secrets.send(
        new PutSecretValueCommand({
          SecretId: outputOf(stack, 'SigningKeysSecretArn'),
          SecretString: typeof keys === 'string' ? keys : JSON.stringify(keys),
        }),
      ),
    output: (name: string) => outputOf(stack, name),
    /** Environment with which a function reaches the engines. */
    awsEnvironment: {
      AWS_ENDPOINT_URL: awsEndpointUrl,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    /** Receives up to ten messages of a queue, and returns their bodies. */
    async receive(queueUrl: string) {
      const { Messages = [] } = await queues.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['All'],
        }),
      );
      return Messages;
    },
    close: () => disposables.close(),
  };
}

export type TestEngines = Awaited<ReturnType<typeof startTestEngines>>;
