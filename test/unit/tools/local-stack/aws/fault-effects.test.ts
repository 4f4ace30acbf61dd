import { expect, test } from '@jest/globals';
import { FAULT_EFFECTS } from '../../../../../tools/local-stack/aws/fault-effects.ts';

test.each(['slow', 'delay'] as const)('a %s call is done once, and its caller gets the reply', async (mode) => {
  const done: unknown[] = [];
  const reply = { status: 200, headers: {}, body: Buffer.from('{}') };
  await FAULT_EFFECTS[mode]({
    service: 'dynamodb',
    operation: 'PutItem',
    body: Buffer.from('asked'),
    random: () => 0.01,
    perform: async (body) => {
      done.push(String(body));
      return reply as never;
    },
    reply: (given) => done.push(given),
    reset: () => done.push('reset'),
    withoutRecent: (given) => given,
  });

  expect(done).toEqual(['asked', reply]);
});
