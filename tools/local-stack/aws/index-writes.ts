import type { TableIndex } from '../template/resources.ts';

interface Write {
  readonly TableName?: string;
  /** The index writes of a put. */
  readonly Item?: object;
  /** The index writes of an update. */
  readonly Key?: object;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
}

/**
 * Returns the first index that a put or an update writes to, as a resource of its table; undefined where the request
 * does not carry all of an index's key attributes. That leaves a gap: AWS writes to an index, and so throttles, also
 * where an indexed item is deleted, is put without its keys or has one of them changed, which only the stored item tells.
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
