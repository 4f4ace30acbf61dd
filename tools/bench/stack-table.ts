import { Agent } from 'node:http';
import type { LocalStack } from '../local-ledger/local-ledger.ts';
import { request } from '../local-stack/engines/engine.ts';
import { connectEngine } from '../local-stack/engines/remote-engine.ts';

/** Operations on a stack's table. */
interface Table {
  readonly name: string;
  ask<Reply>(operation: string, input: object): Promise<Reply>;
}

/** Calls `work` with the table of a local stack, using the operator's credentials. */
export async function withTable<Result>(
  { place }: Pick<LocalStack, 'place'>,
  work: (table: Table) => Promise<Result>,
): Promise<Result> {
  const agent = new Agent({ keepAlive: true });
  const port = Number(new URL(place.awsEndpointUrl).port);
  const dynamodb = connectEngine({ agent, port, target: 'DynamoDB_20120810', accessKeyId: place.accessKeyId });
  try {
    return await work({
      name: place.outputs.TableName ?? '',
      ask: (operation, input) => request(dynamodb, operation, input),
    });
  } finally {
    agent.destroy();
  }
}
