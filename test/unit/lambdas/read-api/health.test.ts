import { expect, test } from '@jest/globals';
import { createHealth } from '../../../../lambdas/read-api/health.ts';
import { DOMAIN } from '../../../support/webhooks.ts';

const depth = (messages: () => Promise<number>) => ({ messages });
const facts = { ledgerName: 'mailgun-ledger-dev', domains: [DOMAIN] };

test('tells the depth of both queues, and that alarms are not known', async () => {
  const health = await createHealth({
    ...facts,
    queue: depth(async () => 7),
    deadLetters: depth(async () => 2),
  })();

  expect(health).toEqual({
    ledger: 'mailgun-ledger-dev',
    domains: [DOMAIN],
    queue: 7,
    deadLetters: 2,
    alarms: null,
  });
});

test('a queue that does not answer is unknown, and takes nothing else along', async () => {
  const fails = async () => {
    throw new Error('no answer');
  };
  const health = await createHealth({ ...facts, queue: depth(fails), deadLetters: depth(async () => 0) })();

  expect(health).toMatchObject({ queue: null, deadLetters: 0 });
});
