import { type BadParameter, badParameter, type RawParameters } from '../../../api/read-parameters.ts';
import { type Operation, pathFormOf, type ReadRoutes } from '../../../api/routes.ts';
import { ROUTES } from '../../contract.ts';
import { isObject } from '../../domain/json.ts';
import type { RouteResult } from '../routes.ts';

/** Room for a thousand addresses as long as addresses may be. */
const MAX_BODY_BYTES = 262_144;

/** Returns the parameters of query string and path; a list for a repeated one. */
export function queryParameters(query: URLSearchParams, inPath: Readonly<Record<string, string>>): RawParameters {
  const given = [...Object.entries(inPath), ...query];
  return Object.fromEntries(
    given.map(([name]) => {
      const values = given.filter(([each]) => each === name).map(([, value]) => value);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

/** Returns the parameters of a search, whose body is a JSON object; a null is left out, and a number is read as text. */
export function bodyParameters(body: Uint8Array): { ok: true; raw: RawParameters } | BadParameter {
  const bad = badParameter('body', 'must be a JSON object of up to 256 KiB');
  if (body.byteLength > MAX_BODY_BYTES) return bad;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return bad;
  }
  if (!isObject(value)) return bad;
  const given = Object.entries(value).filter(([, content]) => content !== null);
  const raw = given.map(([name, content]) => [name, typeof content === 'number' ? String(content) : content]);
  return { ok: true, raw: Object.fromEntries(raw) };
}

/** A route, with its path parameter by name. */
interface FoundRoute {
  readonly operation: Operation;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly inPath: Readonly<Record<string, string>>;
}

/**
 * Returns the route of a request. The gateway decodes the path once, so a parameter may contain slashes;
 * @middy/http-router would end it there, drop a trailing slash, and has no 405.
 */
export function findRoute(routes: ReadRoutes, rawPath: string, query: URLSearchParams): FoundRoute | undefined {
  for (const [operation, route] of Object.entries(routes)) {
    if ('without' in route && query.has(route.without)) continue;
    const path = ROUTES.read + route.path;
    const inPath = rawPath === path ? {} : parameterIn(rawPath, route);
    if (inPath !== undefined) return { operation: operation as Operation, method: route.method, path, inPath };
  }
  return undefined;
}

/**
 * Returns a refusal in place of "not known" for a message id that the gateway may have cut at a decoded question mark:
 * a whole one holds an `@`.
 */
export function unlessCut(result: RouteResult, { id }: FoundRoute['inPath']): RouteResult {
  const isCut = 'reason' in result && id !== undefined && !id.includes('@');
  return isCut
    ? badParameter('id', 'must hold an @ in a path, which may have been cut at a ?; send ?id= instead')
    : result;
}

/** Returns the parameter in a path; undefined for another route's path. */
function parameterIn(rawPath: string, route: ReadRoutes[Operation]): Record<string, string> | undefined {
  const [before, after = ''] = (ROUTES.read + pathFormOf(route)).split(/\{.*\}/);
  if (route.inPath === undefined || !rawPath.startsWith(before ?? '') || !rawPath.endsWith(after)) return undefined;
  return { [route.inPath]: rawPath.slice(before?.length, rawPath.length - after.length) };
}
