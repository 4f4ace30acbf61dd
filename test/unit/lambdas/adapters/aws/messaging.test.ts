import type { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createEventQueue } from '../../../../../lambdas/adapters/aws/messaging.ts';

test('every message is sent with its group, by which fair queues share out their consumers', async () => {
  const groups: unknown[] = [];
  const send = async ({ input }: SendMessageCommand) => groups.push(input.MessageGroupId);
  const client = { send } as unknown as SQSClient;
  const message = { receivedAt: 1, domain: 'mg.example.com', event: {} };

  await createEventQueue(client, 'queue').send({ ...message, source: 'webhook' });
  await createEventQueue(client, 'queue').send({ ...message, source: 'reconcile' });
  await createEventQueue(client, 'queue', true).send({ ...message, source: 'reconcile' });

  expect(groups).toEqual(['mg.example.com', 'reconcile#mg.example.com', 'replay#mg.example.com']);
});
