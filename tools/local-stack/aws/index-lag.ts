import type { EngineReply } from '../engines/engine.ts';

type Item = Record<string, unknown>;

/** Maximum delay of an index behind its table. */
const LAG_MS = 3000;

/**
 * Remembers when items were first written, so that queries of an index can leave out the newest. Deletions and changed
 * attributes show at once.
 */
export class IndexLag {
  readonly #firstWrittenMs = new Map<string, number>();
  readonly #keyNames: (table: string) => readonly string[];
  readonly #nowMs: () => number;

  constructor(keyNames: (table: string) => readonly string[], nowMs: () => number = Date.now) {
    this.#keyNames = keyNames;
    this.#nowMs = nowMs;
  }

  /** Records a completed write. */
  wrote(operation: string, input: Record<string, unknown>): void {
    for (const { table, item } of writtenItems(operation, input)) {
      const key = this.#keyOf(table, item);
      if (!this.#firstWrittenMs.has(key)) this.#firstWrittenMs.set(key, this.#nowMs());
    }
  }

  /** Returns a query's reply as a lagging index would give it; queries of the table itself are unchanged. */
  withoutRecent(input: Record<string, unknown>, reply: EngineReply): EngineReply {
    if (input.IndexName === undefined || reply.status !== 200) return reply;
    const output = JSON.parse(reply.body.toString('utf8')) as { Items?: Item[]; Count: number };
    const Items = output.Items?.filter((item) => {
      const writtenMs = this.#firstWrittenMs.get(this.#keyOf(String(input.TableName), item));
      return writtenMs === undefined || writtenMs <= this.#nowMs() - LAG_MS;
    });
    return { ...reply, body: Buffer.from(JSON.stringify({ ...output, Items, Count: Items?.length ?? output.Count })) };
  }

  #keyOf(table: string, item: Item): string {
    return JSON.stringify([table, ...this.#keyNames(table).map((name) => item[name])]);
  }
}

interface Written {
  readonly table: string;
  readonly item: Item;
}

type Write = { readonly TableName?: string; readonly Item?: Item; readonly Key?: Item };

function writtenItems(operation: string, input: Record<string, unknown>): Written[] {
  const one = (write: Write | undefined): Written[] => {
    const item = write?.Item ?? write?.Key;
    return item ? [{ table: String(write?.TableName), item }] : [];
  };
  switch (operation) {
    case 'PutItem':
    case 'UpdateItem':
      return one(input);
    case 'TransactWriteItems':
      return ((input.TransactItems ?? []) as { Put?: Write; Update?: Write }[]).flatMap(({ Put, Update }) =>
        one(Put ?? Update),
      );
    case 'BatchWriteItem':
      return Object.entries((input.RequestItems ?? {}) as Record<string, { PutRequest?: Write }[]>).flatMap(
        ([TableName, writes]) => writes.flatMap(({ PutRequest }) => one(PutRequest && { TableName, ...PutRequest })),
      );
    default:
      return [];
  }
}
