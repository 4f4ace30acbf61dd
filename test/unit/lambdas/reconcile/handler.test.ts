import type { Context } from 'aws-lambda';
import { UNSET_API_KEY } from '../../../../lambdas/contract.ts';
import { linesOf, metricsIn, startAwsStandIn } from '../../../support/doubles/aws-stand-in.ts';
import { restoreEnvironmentAfterAll } from '../../../support/environment.ts';

let aws: Awaited<ReturnType<typeof startAwsStandIn>>;
let handler: (event: unknown, context: Context) => Promise<unknown>;
let secret = {};
let cursor = {};

restoreEnvironmentAfterAll();
beforeAll(async () => {
  aws = await startAwsStandIn(({ operation, input }) => {
    if (operation === 'GetSecretValue') return secret;
    return JSON.stringify(input).includes('DOMAINS') ? {} : cursor;
  });
  Object.assign(process.env, aws.environment, {
    LEDGER_NAME: 'ledger',
    TABLE_NAME: 'table',
    QUEUE_URL: 'http://127.0.0.1/queue',
    API_KEY_SECRET_ARN: 'arn',
    ERASURE_KEY_SECRET_ARN: 'arn',
    DOMAINS: 'mg.example.com=us',
    EVENT_TYPES: 'delivered',
    WEBHOOK_URL: 'https://hooks.example.com/webhooks/mailgun',
    SOURCE: 'events',
    EVERY_SECONDS: '900',
    SETTLE_SECONDS: '1800',
    SLICE_SECONDS: '900',
    RETENTION_SECONDS: '86400',
    BACKLOG_MESSAGES: '50',
    PARALLEL: '4',
  });
  ({ handler } = (await import('../../../../lambdas/reconcile/handler.ts')) as never);
});
afterAll(() => aws.close());

const LEDGER = { Item: { position: { N: '900' }, second: { N: '900' } } };
const RUN = { ReconcileRun: 1, Ledger: 'ledger' };
const GONE = { ApiKeyUsable: 0, Ledger: 'ledger' };

// An unreadable secret is not kept, and one that is read is: the order matters.
test.each([
  ['unreadable, without a ledger', {}, {}, [RUN], 'reconcile is unreadable'],
  ['unreadable, with a ledger', {}, LEDGER, [RUN, GONE], 'reconcile lost its API key: unreadable'],
  ['unset, without a ledger', { SecretString: UNSET_API_KEY }, {}, [RUN], 'reconcile is off'],
  ['unset, with a ledger', undefined, LEDGER, [RUN, GONE], 'reconcile lost its API key: off'],
])('reconcile with an API key %s only reports that it ran', async (_name, text, held, metrics, message) => {
  if (text !== undefined) secret = text;
  cursor = held;
  const lines = await linesOf(async () => {
    const report = await handler({}, { getRemainingTimeInMillis: () => 300_000 } as Context);
    expect(report).toEqual({ slices: 0, expected: 0, missing: 0, sent: 0, open: 0, done: false });
  });

  expect(metricsIn(lines)).toEqual(metrics);
  expect(lines).toMatchObject([{ message }]);
});
