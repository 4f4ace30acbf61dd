import { BatchGetCommand, DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Deployment } from '../../../cli/target/types.ts';
import { INDEXES } from '../../../lambdas/contract.ts';
import { asciiJson } from '../../../lambdas/domain/json.ts';
import { doubtKey, sliceKey } from '../../../lambdas/domain/keys.ts';
import type { Slice } from '../../../lambdas/domain/ledger/slice.ts';

type Item = Record<string, unknown>;

export const sliceItem = (slice: Slice): Item => ({
  ...sliceKey(slice.domain, slice.start),
  ...slice,
  tags: asciiJson(slice.tags),
  dimensions: asciiJson(slice.dimensions),
});

/** The marker by which the alarm counts a slice. */
export const doubtItem = ({ domain, start }: Slice): Item => ({ ...doubtKey(domain, start), start });

/** Returns the clients of a deployment whose table holds these items; supports ranges of keys and the day index. */
export function tableOfItems(items: readonly Item[]): Deployment['clients'] {
  const within = (value: unknown, from: unknown, to: unknown) =>
    from === undefined || ((value as string) >= (from as string) && (value as string) <= (to as string));
  const send = async (command: unknown) => {
    if (command instanceof QueryCommand) {
      const { IndexName, ExpressionAttributeValues: values = {} } = command.input;
      const { partitionKey, sortKey } = IndexName ? INDEXES.byDay : { partitionKey: 'pk', sortKey: 'sk' };
      const partition = values[IndexName ? ':day' : ':pk'];
      return {
        Items: items.filter(
          (item) => item[partitionKey] === partition && within(item[sortKey], values[':from'], values[':to']),
        ),
      };
    }
    if (command instanceof GetCommand) {
      const { pk, sk } = command.input.Key ?? {};
      return { Item: items.find((item) => item.pk === pk && item.sk === sk) };
    }
    if (!(command instanceof BatchGetCommand)) throw new Error('the stub table reads only');
    const [[name, { Keys = [] }] = ['', { Keys: [] }]] = Object.entries(command.input.RequestItems ?? {});
    const found = items.filter(({ pk, sk }) => Keys.some((key) => key.pk === pk && key.sk === sk));
    return { Responses: { [name]: found } };
  };
  // The SDK's paginator accepts only its own client class.
  const table = Object.assign(Object.create(DynamoDBDocumentClient.prototype), { send });
  return { table } as Deployment['clients'];
}
