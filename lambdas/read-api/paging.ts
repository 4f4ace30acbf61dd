import { type QueryName, readCursor, writeCursor } from './cursor.ts';
import { type BadParameter, type Parameters, readLimit, textOf } from './parameters.ts';

/** What a route answers where nothing is wrong; `nextPath` is the page after this one, as a path below the API's root. */
export interface Answered {
  ok: true;
  body: object;
  nextPath?: string | undefined;
}

/** How long a page is to be, where it begins, and how to answer with it. */
export interface Paging {
  ok: true;
  limit: number;
  /** Its shape is yet to be looked at; undefined for the first page. */
  position: unknown;
  /** `path` and the parameters given lead to the next page; without a path no link does. */
  answer(page: { body: object; next: unknown }, path?: string, given?: Record<string, string>): Answered;
}

/** Reads `limit` and `cursor` of a query. */
export function readPaging(name: QueryName, query: Parameters): Paging | BadParameter {
  const limit = readLimit(query);
  if (limit === undefined) return { ok: false, parameter: 'limit' };
  const cursor = textOf(query, 'cursor');
  const position = cursor === undefined ? undefined : readCursor(name, cursor);
  if (cursor !== undefined && position === undefined) return { ok: false, parameter: 'cursor' };
  return {
    ok: true,
    limit,
    position,
    answer({ body, next }, path, given = {}) {
      if (next === undefined) return { ok: true, body: { ...body, next: null } };
      const cursor = writeCursor(name, next);
      const link = new URLSearchParams({ ...given, limit: String(limit), cursor });
      return { ok: true, body: { ...body, next: cursor }, nextPath: path && `${path}?${link}` };
    },
  };
}
