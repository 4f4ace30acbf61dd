import { adviceOf } from '../../../../../cli/commands/dlq/dead-letters.ts';

test.each([
  [
    'https://sqs.eu-west-1.amazonaws.com/123456789012/q',
    '--queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/q --region eu-west-1 --',
  ],
  ['http://127.0.0.1:35185/123456789012/q', '--queue-url http://127.0.0.1:35185/123456789012/q --attribute-names'],
])('the command that shows who may send to %s names its region where it has one', (queueUrl, command) => {
  const diagnosis = { error: { reason: 'not-json', where: 'body' } } as const;
  const letter = { id: 'a', reason: 'not-json', body: '<html>', diagnosis } as const;
  const deployment = { output: () => queueUrl, ref: { env: 'prod' } } as never;
  expect(adviceOf(letter, false, deployment)).toContain(command);
});
