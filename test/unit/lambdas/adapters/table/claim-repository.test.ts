import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { createClaimRepository } from '../../../../../lambdas/adapters/table/claim-repository.ts';

// Replies that DynamoDB never gives, so no engine can produce them.
const claim = { key: 'k', id: 'mine', hash: '1:aa', expiresAt: 2000 };
const failWith = (error: Error) =>
  createClaimRepository({ name: 'table', client: { send: () => Promise.reject(error) } as never }).claim(claim, 1000);

test('a refusal that does not show what is held is an error, so ingest fails closed', async () => {
  const refusal = new ConditionalCheckFailedException({ message: 'refused', $metadata: {} });
  await expect(failWith(refusal)).rejects.toBe(refusal);
});

test('another error is passed on, whatever it carries', async () => {
  const error = Object.assign(new Error('down'), { Item: { id: { S: 'mine' }, hash: { S: '1:aa' } } });
  await expect(failWith(error)).rejects.toBe(error);
});
