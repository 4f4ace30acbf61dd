import { BatchGetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { createEventRepository } from '../../../../../lambdas/adapters/table/event-repository.ts';
import { createProcess } from '../../../../../lambdas/process/process.ts';
import { LONE_PROCESS } from '../../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../../support/fixtures/webhooks.ts';

type Item = Record<string, unknown>;

/** A table whose eventually consistent reads still return what an item held before, as no local engine does. */
function laggingTable(before: Item, now: Item | undefined) {
  const updates: unknown[] = [];
  const client = {
    async send(command: unknown) {
      if (command instanceof UpdateCommand) updates.push(command.input.UpdateExpression);
      if (!(command instanceof BatchGetCommand)) return {};
      const { Keys: [key] = [], ConsistentRead } = command.input.RequestItems?.table ?? {};
      const held = ConsistentRead ? now : before;
      return { Responses: { table: held === undefined ? [] : [{ ...key, ...held }] } };
    },
  };
  return { table: { name: 'table', client: client as never }, updates };
}

test.each([
  ['sets a status that a correction has lowered a moment ago', { order: '40#' }, { order: '00#' }, 1],
  ['leaves a status that was raised a moment ago', { order: '00#' }, { order: '40#' }, 0],
])('an open %s', async (_, before, now, updated) => {
  const { table, updates } = laggingTable(before, now);
  const process = createProcess({ records: createEventRepository(table), retentionDays: 400, ...LONE_PROCESS });
  const event = deliveredEvent({ event: 'opened' });
  expect(await process({ source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event })).toBe('stored');
  expect(updates.filter((text) => String(text).includes('#order'))).toHaveLength(updated);
});
