import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { UNSET_API_KEY } from '../../lambdas/contract.ts';

const server = createServer((_request, response) => response.end(JSON.stringify({ SecretString: UNSET_API_KEY })));
beforeAll(() => new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening)));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('a deployed but unconfigured reconcile does nothing, and says that it ran', async () => {
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    LEDGER_NAME: 'ledger',
    TABLE_NAME: 'table',
    QUEUE_URL: 'http://127.0.0.1/queue',
    API_KEY_SECRET_ARN: 'arn',
    DOMAINS: 'mg.example.com=us',
    EVENT_TYPES: 'delivered',
    SOURCE: 'events',
    EVERY_SECONDS: '900',
    SETTLE_SECONDS: '1800',
    SLICE_SECONDS: '900',
    RETENTION_SECONDS: '86400',
    BACKLOG_MESSAGES: '50',
  });
  const lines: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
  const { handler } = await import('../../lambdas/reconcile/handler.ts');
  const context = { getRemainingTimeInMillis: () => 300_000 } as Context;
  const report = await handler({}, context);
  write.mockRestore();

  expect(report).toEqual({ slices: 0, expected: 0, missing: 0, sent: 0, open: 0, done: false });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      message: 'reconcile is off',
      Ledger: 'ledger',
      ReconcileRun: 1,
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          { Namespace: 'MailgunLedger', Dimensions: [['Ledger']], Metrics: [{ Name: 'ReconcileRun' }] },
        ],
      },
    },
  ]);
});
