import type { EngineReply } from '../engines/engine.ts';
import type { Capacity } from './usage.ts';

const READS = new Set(['GetItem', 'BatchGetItem', 'TransactGetItems', 'Query', 'Scan']);
const WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems']);

type Json = Record<string, unknown>;

/** Returns the DynamoDB request with ReturnConsumedCapacity set; undefined if the operation consumes none. */
export function requestCapacity(operation: string, body: Buffer): { body: Buffer; input: Json } | undefined {
  if (!READS.has(operation) && !WRITES.has(operation)) return undefined;
  const input = JSON.parse(body.toString('utf8')) as Json;
  if ((input.ReturnConsumedCapacity ?? 'NONE') !== 'NONE') return { body, input };
  return { body: Buffer.from(JSON.stringify({ ...input, ReturnConsumedCapacity: 'TOTAL' })), input };
}

/** Returns the consumed capacity, and the reply as the caller expects it: with capacity only if requested. */
export function takeCapacity(operation: string, input: Json, reply: EngineReply): [Capacity, EngineReply] {
  const output = JSON.parse(reply.body.toString('utf8')) as Json;
  const units =
    reply.status === 200
      ? Math.max(unitsOf(output.ConsumedCapacity), leastUnits(operation, input))
      : unitsOfFailure(input, output);
  const capacity = READS.has(operation) ? { write: 0, read: units } : { write: units, read: 0 };
  if (output.ConsumedCapacity === undefined || (input.ReturnConsumedCapacity ?? 'NONE') !== 'NONE') {
    return [capacity, reply];
  }
  const { ConsumedCapacity: _, ...rest } = output;
  return [capacity, { ...reply, body: Buffer.from(JSON.stringify(rest)) }];
}

function unitsOf(consumed: unknown): number {
  const entries = (Array.isArray(consumed) ? consumed : [consumed]) as ({ CapacityUnits?: number } | undefined)[];
  return entries.reduce((sum, entry) => sum + (entry?.CapacityUnits ?? 0), 0);
}

/** DynamoDB Local reports no capacity when nothing was found; AWS bills it. */
function leastUnits(operation: string, input: Json): number {
  const each = ({ ConsistentRead }: Json) => (ConsistentRead === true ? 1 : 0.5);
  if (operation === 'GetItem' || operation === 'Query' || operation === 'Scan') return each(input);
  if (operation !== 'BatchGetItem') return 0;
  const tables = Object.values(input.RequestItems as Record<string, Json & { Keys: unknown[] }>);
  return tables.reduce((sum, table) => sum + table.Keys.length * each(table), 0);
}

/** A failed condition reports no capacity but is billed: at least one unit, two per item in a transaction. */
function unitsOfFailure(input: Json, output: Json): number {
  const type = String(output.__type);
  if (type.endsWith('ConditionalCheckFailedException')) return 1;
  if (!type.endsWith('TransactionCanceledException')) return 0;
  return Array.isArray(input.TransactItems) ? 2 * input.TransactItems.length : 0;
}
