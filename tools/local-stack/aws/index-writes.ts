import type { TableIndex } from '../template/resources.ts';

interface Write {
  readonly TableName?: string;
  /** Item of a put. */
  readonly Item?: object;
  /** Key of an update. */
  readonly Key?: object;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
}

/**
 * Returns the first index that a put or update writes to, as a resource of its table; undefined if the request lacks
 * some of the index's key attributes. A gap remains: AWS also writes to an index, and may throttle, when an indexed
 * item is deleted, replaced without its keys, or has a key changed, which needs the stored item to know.
 */
export function writtenIndex(write: Write, indexesOf: (table: string) => readonly TableIndex[]): string | undefined {
  const { TableName = '' } = write;
  const written = writtenAttributes(write);
  const index = indexesOf(TableName).find(({ keyNames }) => keyNames.every((name) => written.has(name)));
  return index && `table/${TableName}/index/${index.name}`;
}

function writtenAttributes({ Item, Key, UpdateExpression = '', ExpressionAttributeNames = {} }: Write): Set<string> {
  const words = UpdateExpression.match(/(?<![:\w#])#?\w+/g) ?? [];
  return new Set([...Object.keys(Item ?? Key ?? {}), ...words.map((word) => ExpressionAttributeNames[word] ?? word)]);
}
