import { type EngineReply, jsonReply } from '../engines/engine.ts';

type Perform = (body: Buffer) => Promise<EngineReply>;

/**
 * Performs half of a batch, and replies for the rest as the service does; returns undefined if nothing was performed.
 */
export async function partialBatch(
  operation: string,
  body: Buffer,
  perform: Perform,
): Promise<EngineReply | undefined> {
  const input = JSON.parse(body.toString('utf8'));
  if (operation === 'PutEvents') return everyOtherEvent(input, perform);
  return operation.endsWith('Batch') ? halfOfQueueBatch(input, perform) : halfOfTableBatch(operation, input, perform);
}

/** Every other entry, so that an event may overtake the one before it. */
async function everyOtherEvent({ Entries }: { Entries: unknown[] }, perform: Perform): Promise<EngineReply> {
  const taken = Entries.filter((_, index) => index % 2 === 1);
  const Entry = { ErrorCode: 'InternalFailure', ErrorMessage: 'injected fault' };
  if (taken.length === 0) return jsonReply(200, { FailedEntryCount: 1, Entries: [Entry] });
  const reply = await perform(asBody({ Entries: taken }));
  if (reply.status !== 200) return reply;
  const done: unknown[] = JSON.parse(reply.body.toString('utf8')).Entries;
  const results = Entries.map((_, index) => (index % 2 === 1 ? done[(index - 1) / 2] : Entry));
  return jsonReply(200, { FailedEntryCount: Math.ceil(Entries.length / 2), Entries: results });
}

async function halfOfQueueBatch(input: { Entries: { Id: string }[] }, perform: Perform): Promise<EngineReply> {
  const half = Math.floor(input.Entries.length / 2);
  const Failed = input.Entries.slice(half).map(({ Id }) => ({
    Id,
    SenderFault: false,
    Code: 'InternalError',
    Message: 'injected fault',
  }));
  if (half === 0) return jsonReply(200, { Failed });
  const reply = await perform(asBody({ ...input, Entries: input.Entries.slice(0, half) }));
  if (reply.status !== 200) return reply;
  const output = JSON.parse(reply.body.toString('utf8'));
  return jsonReply(200, { ...output, Failed: [...(output.Failed ?? []), ...Failed] });
}

/** Writes are a list per table, reads a list of keys per table. */
type TableBatch = Record<string, unknown[] | { Keys: unknown[] }>;

async function halfOfTableBatch(
  operation: string,
  input: { RequestItems: TableBatch },
  perform: Perform,
): Promise<EngineReply | undefined> {
  const done: TableBatch = {};
  const left: TableBatch = {};
  for (const [table, request] of Object.entries(input.RequestItems)) {
    const items = Array.isArray(request) ? request : request.Keys;
    const half = Math.floor(items.length / 2);
    const again = (part: unknown[]) => (Array.isArray(request) ? part : { ...request, Keys: part });
    if (half > 0) done[table] = again(items.slice(0, half));
    left[table] = again(items.slice(half));
  }
  if (Object.keys(done).length === 0) return undefined;
  const reply = await perform(asBody({ ...input, RequestItems: done }));
  if (reply.status !== 200) return reply;
  const output = JSON.parse(reply.body.toString('utf8'));
  return jsonReply(200, { ...output, [operation === 'BatchGetItem' ? 'UnprocessedKeys' : 'UnprocessedItems']: left });
}

const asBody = (value: unknown) => Buffer.from(JSON.stringify(value));
