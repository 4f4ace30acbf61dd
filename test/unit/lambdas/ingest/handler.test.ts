import { mock } from 'node:test';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { UNSET_SIGNING_KEYS } from '../../../../lambdas/contract.ts';
import { linesOf, metricsIn, startAwsStandIn } from '../../../support/doubles/aws-stand-in.ts';
import { restoreEnvironmentAfterAll } from '../../../support/environment.ts';
import { DOMAIN, deliveredEvent, jsonBody, KEY } from '../../../support/fixtures/webhooks.ts';

let aws: Awaited<ReturnType<typeof startAwsStandIn>>;
let handler: (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;
let secret = {};
let firstWebhook = {};
let aheadMs = 0;

restoreEnvironmentAfterAll();
beforeAll(async () => {
  const beginMs = Date.now();
  mock.method(Date, 'now', () => beginMs + aheadMs);
  aws = await startAwsStandIn(({ operation }) => (operation === 'GetSecretValue' ? secret : firstWebhook));
  Object.assign(process.env, aws.environment, {
    LEDGER_NAME: 'ledger',
    TABLE_NAME: 'table',
    QUEUE_URL: 'http://127.0.0.1/queue',
    SIGNING_KEYS_SECRET_ARN: 'arn',
    DOMAINS: DOMAIN,
  });
  ({ handler } = (await import('../../../../lambdas/ingest/handler.ts')) as never);
});
afterAll(async () => {
  mock.restoreAll();
  await aws.close();
});
beforeEach(() => {
  aws.calls.length = 0;
});

const post = () => {
  const body = Buffer.from(jsonBody(deliveredEvent())).toString();
  const event = { headers: {}, body, isBase64Encoded: false } as APIGatewayProxyEventV2;
  return handler(event, { getRemainingTimeInMillis: () => 5000 } as Context);
};

const IN_USE = { Item: { pk: { S: 'LEDGER' }, sk: { S: 'FIRST-WEBHOOK' }, at: { N: '1' } } };
const REFUSED_READ = { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException' };
const refused = (reason: string) => [
  { Refused: 1, Ledger: 'ledger' },
  { Refused: 1, Ledger: 'ledger', Reason: reason },
];

// An unreadable secret is not kept, and one that is read is: the order matters.
test.each([
  ['unreadable and never used', {}, {}, 'signing-key-unreadable', []],
  ['unreadable after use', {}, IN_USE, 'signing-key-unreadable', [{ SigningKeyUnusable: 1, Ledger: 'ledger' }]],
  [
    'unset and never used',
    { SecretString: UNSET_SIGNING_KEYS },
    {},
    'signing-key-unset',
    [{ Unconfigured: 1, Ledger: 'ledger' }],
  ],
  ['unset after use', undefined, IN_USE, 'signing-key-unset', [{ SigningKeyUnusable: 1, Ledger: 'ledger' }]],
  ['unset while the table does not say', undefined, REFUSED_READ, 'signing-key-unset', []],
])(
  'a signing key that is %s is counted in its metric, besides the refusal',
  async (_name, text, marker, reason, metrics) => {
    if (text !== undefined) secret = text;
    firstWebhook = marker;
    const lines = await linesOf(async () => expect(await post()).toMatchObject({ statusCode: 503 }));

    expect(metricsIn(lines)).toEqual([...refused(reason), ...metrics]);
    expect(aws.calls.filter(({ operation }) => operation !== 'GetSecretValue')).toEqual([
      { operation: 'GetItem', input: { TableName: 'table', Key: { pk: { S: 'LEDGER' }, sk: { S: 'FIRST-WEBHOOK' } } } },
    ]);
  },
);

test('an unset secret that can no longer be read is not counted as a lost key', async () => {
  aheadMs = 300_000;
  secret = REFUSED_READ;
  firstWebhook = {};
  const lines = await linesOf(async () => expect(await post()).toMatchObject({ statusCode: 503 }));

  expect(aws.calls[0]?.operation).toBe('GetSecretValue');
  expect(metricsIn(lines)).toEqual(refused('signing-key-unreadable'));
});

test('a signing key that can no longer be read verifies, and each failed reading is counted', async () => {
  aheadMs = 360_000;
  secret = { SecretString: JSON.stringify({ current: KEY }) };
  // Only what is signed can be stale.
  await linesOf(async () => expect(await post()).toMatchObject({ statusCode: 406 }));
  aheadMs = 720_000;
  secret = REFUSED_READ;
  const lines = await linesOf(async () => expect(await post()).toMatchObject({ statusCode: 406 }));

  expect(metricsIn(lines)).toEqual([{ SigningKeyUnusable: 1, Ledger: 'ledger' }, ...refused('stale')]);
  expect(lines[0]).toMatchObject({ error: 'AccessDeniedException', secret: 'SigningKeysSecretArn' });
});
