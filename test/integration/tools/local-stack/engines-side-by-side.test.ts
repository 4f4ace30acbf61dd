import { randomUUID } from 'node:crypto';
import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import { DYNAMODB_LOCAL } from '../../../../tools/local-stack/engines/dynamodb-local.ts';
import { DYNOXIDE } from '../../../../tools/local-stack/engines/dynoxide.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { drained, postWebhook, startTestStack } from '../../../support/stacks/local-stack.ts';

// Where only one engine can run, two of it are side by side.

const stacks: LocalStack[] = [];
afterAll(() => Promise.all(stacks.map((stack) => stack.stop())));

/** Returns the status code of a message's history on a stack. */
async function read({ ready: { apiUrl, apiToken } }: LocalStack, messageId: string): Promise<number> {
  const headers = { authorization: `Bearer ${apiToken}` };
  return (await fetch(`${apiUrl}/mailgun/messages/${encodeURIComponent(messageId)}`, { headers })).status;
}

test('two stacks run side by side, each on its own engine and with its own events', async () => {
  const reasons = await Promise.all([DYNOXIDE, DYNAMODB_LOCAL].map((program) => program.whyNot()));
  const able = [DYNOXIDE, DYNAMODB_LOCAL].filter((_, index) => reasons[index] === undefined);
  const names = [able[0]!.name, able.at(-1)!.name];
  stacks.push(...(await Promise.all(names.map((engine) => startTestStack({ engine })))));
  const ids = stacks.map(() => `${randomUUID()}@${DOMAIN}`);
  const events = ids.map((id) => deliveredEvent({ id: randomUUID(), message: { headers: { 'message-id': id } } }));

  expect(await Promise.all(stacks.map((stack, nth) => postWebhook(stack, events[nth]!)))).toEqual([200, 200]);
  await Promise.all(stacks.map((stack) => drained(stack)));

  expect(stacks.map(({ ready }) => ready.engine)).toEqual(names);
  expect(await Promise.all(stacks.map((stack, nth) => read(stack, ids[nth]!)))).toEqual([200, 200]);
  expect(await Promise.all(stacks.map((stack, nth) => read(stack, ids[1 - nth]!)))).toEqual([404, 404]);
}, 180_000);
