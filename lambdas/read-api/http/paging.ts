import type { QueryIdentity } from './cursor.ts';
import { readCursor, writeCursor } from './cursor.ts';

/** The parameters of every query that comes in pages. */
export interface Paged {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** A page by its use case; `next` is the position behind it, undefined on the last. */
export interface Page<Body, Position> {
  readonly body: Body;
  readonly next: Position | undefined;
}

/**
 * Returns where the page of a query begins and how to respond with it; undefined where its cursor is of another query,
 * or holds no position of this one.
 */
export function openPage<Query extends Paged, Position>(
  operation: string,
  { limit, cursor, ...rest }: Query,
  isPosition: (value: unknown) => value is Position,
) {
  const identity: QueryIdentity = [operation, rest];
  const position = cursor === undefined ? undefined : readCursor(identity, cursor);
  if (cursor !== undefined && !isPosition(position)) return undefined;
  return {
    limit,
    position: position as Position | undefined,
    resultOf({ body, next: behind }: Page<object, Position>) {
      const next = behind === undefined ? null : writeCursor(identity, behind);
      return { ok: true as const, body: { ...body, next }, next };
    },
  };
}
