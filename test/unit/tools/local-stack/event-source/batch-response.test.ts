import { failedMessages } from '../../../../../tools/local-stack/event-source/batch-response.ts';

const BATCH = ['a', 'b', 'c'];

test.each([
  { name: 'nothing', response: null, failed: [] },
  { name: 'an empty text', response: '', failed: [] },
  { name: 'an empty object', response: {}, failed: [] },
  { name: 'a null list', response: { batchItemFailures: null }, failed: [] },
  { name: 'an empty list', response: { batchItemFailures: [] }, failed: [] },
  { name: 'one', response: { batchItemFailures: [{ itemIdentifier: 'b' }] }, failed: ['b'] },
  { name: 'all', response: { batchItemFailures: BATCH.map((itemIdentifier) => ({ itemIdentifier })) }, failed: BATCH },
  { name: 'a list that is none', response: { batchItemFailures: 'b' }, failed: BATCH },
  { name: 'a null identifier', response: { batchItemFailures: [{ itemIdentifier: null }] }, failed: BATCH },
  { name: 'an empty identifier', response: { batchItemFailures: [{ itemIdentifier: '' }] }, failed: BATCH },
  { name: 'another key', response: { batchItemFailures: [{ id: 'b' }] }, failed: BATCH },
  { name: 'a message of another batch', response: { batchItemFailures: [{ itemIdentifier: 'z' }] }, failed: BATCH },
  { name: 'a text', response: 'done', failed: BATCH },
  { name: 'a list', response: [], failed: BATCH },
])('a function that reports $name', ({ response, failed }) => {
  expect([...failedMessages(JSON.stringify(response), BATCH)]).toEqual(failed);
});
