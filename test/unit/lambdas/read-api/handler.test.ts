import { mock } from 'node:test';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { HOUR_MS } from '../../../../lambdas/contract.ts';
import { linesOf, startAwsStandIn } from '../../../support/doubles/aws-stand-in.ts';
import { restoreEnvironmentAfterAll } from '../../../support/environment.ts';

const TOKEN = 'a-token-of-32-characters-or-more';
const REFUSED = { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException' };

let aws: Awaited<ReturnType<typeof startAwsStandIn>>;
let secret: object = { SecretString: TOKEN };
let aheadMs = 0;
let handler: (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

restoreEnvironmentAfterAll();
beforeAll(async () => {
  const beginMs = Date.now();
  mock.method(Date, 'now', () => beginMs + aheadMs);
  aws = await startAwsStandIn(({ operation }) => {
    if (operation === 'GetSecretValue') return secret;
    return operation === 'GetQueueAttributes' ? { Attributes: { ApproximateNumberOfMessages: '7' } } : REFUSED;
  });
  Object.assign(process.env, aws.environment, {
    ...{ LEDGER_NAME: 'ledger', TABLE_NAME: 'table', DOMAINS: 'account', ALARMS: '' },
    ...{
      QUEUE_URL: `${aws.environment.AWS_ENDPOINT_URL}/queue`,
      DEAD_LETTERS_URL: `${aws.environment.AWS_ENDPOINT_URL}/dead`,
    },
    ...{ API_TOKEN_SECRET_ARN: 'arn', JWT_ISSUER: '', JWT_AUDIENCE: '' },
    ...{ ALLOWED_ORIGINS: '', ALLOW_CREDENTIALS: 'false' },
    ...{ SLICE_SECONDS: '900', SETTLE_SECONDS: '1800', RETENTION_DAYS: '90' },
  });
  ({ handler } = (await import('../../../../lambdas/read-api/handler.ts')) as never);
});
afterAll(async () => {
  mock.restoreAll();
  await aws.close();
});

const get = (path: string, rawQueryString = '', token = TOKEN) =>
  handler(
    {
      rawPath: `/mailgun${path}`,
      rawQueryString,
      headers: { authorization: `Bearer ${token}` },
      requestContext: { requestId: 'a', http: { method: 'GET' } },
    } as unknown as APIGatewayProxyEventV2,
    { getRemainingTimeInMillis: () => 20_000 } as Context,
  );

describe('the read API while the table does not respond and the account names the domains', () => {
  test('shows the rest of health', async () => {
    const { statusCode, body = '' } = await get('/health');
    expect(statusCode).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ domains: null, queue: 7, deadLetters: 7, alarms: [] });
  });

  test.each(['/ledger', '/stats'])('takes no domain for unknown: %s', async (path) => {
    const lines = await linesOf(async () => {
      const { statusCode, headers } = await get(path, 'domain=mg.example.com');
      expect([statusCode, headers?.['retry-after']]).toEqual([503, '2']);
    });
    expect(lines).toMatchObject([{ message: 'read failed', error: expect.stringContaining('AccessDenied') }]);
  });
});

// Last, since it moves the clock.
test('a token that was read counts for 12 hours while it cannot be read again, with a log line', async () => {
  const statusWith = async (token: string) => (await get('/health', '', token)).statusCode;
  expect([await statusWith(TOKEN), await statusWith('another')]).toEqual([200, 401]);

  secret = { __type: 'InternalServiceError' };
  aheadMs = HOUR_MS;
  const lines = await linesOf(async () => expect(await statusWith(TOKEN)).toBe(200));
  expect(lines).toContainEqual(
    expect.objectContaining({ message: 'token cannot be read again', secret: 'ApiTokenSecretArn' }),
  );
  expect(JSON.stringify(lines)).not.toContain(TOKEN);
  aheadMs = 13 * HOUR_MS;
  await linesOf(async () => expect(await statusWith(TOKEN)).toBe(503));

  // Taken away while it is held.
  secret = { SecretString: TOKEN };
  expect(await statusWith(TOKEN)).toBe(200);
  aheadMs = 14 * HOUR_MS;
  secret = { __type: 'AccessDeniedException' };
  const refused = await linesOf(async () => expect(await statusWith(TOKEN)).toBe(503));
  expect(refused).toMatchObject([{ message: 'read failed', secret: 'ApiTokenSecretArn' }]);

  secret = { SecretString: 'another' };
  expect([await statusWith(TOKEN), await statusWith('another')]).toEqual([401, 200]);
});
