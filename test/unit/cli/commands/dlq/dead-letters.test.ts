import {
  adviceOf,
  type DeadLetter,
  type DeadLetters,
  MAX_SCANNED_MESSAGES,
  scanDeadLetters,
} from '../../../../../cli/commands/dlq/dead-letters.ts';

test('a scan of more dead letters than the maximum receives no more, and gives all back', async () => {
  let received = 0;
  let givenBack = 0;
  const clock = { now: () => 0, sleep: async () => {}, signal: new AbortController().signal };
  const deadLetters: DeadLetters = {
    async receive() {
      // One call more than the maximum takes ends the scan, also where nothing limits it.
      if (received > MAX_SCANNED_MESSAGES) return [];
      return Array.from({ length: 10 }, () => {
        received += 1;
        return { id: `${received}`, receiptHandle: `${received}` } as DeadLetter;
      });
    },
    async giveBack(held) {
      givenBack += held.length;
    },
    resend: async () => {},
    remove: async () => {},
    length: async () => 0,
  };
  let scanned = 0;
  for await (const _ of scanDeadLetters(deadLetters, clock)) scanned += 1;
  expect({ scanned, received, givenBack }).toEqual({
    scanned: MAX_SCANNED_MESSAGES,
    received: MAX_SCANNED_MESSAGES,
    givenBack: MAX_SCANNED_MESSAGES,
  });
});

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
