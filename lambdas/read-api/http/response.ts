import { createHash } from 'node:crypto';
import type { RawParameters } from '../../../api/read-parameters.ts';
import type { BadParameterRefusal, Refusal } from '../../../api/responses/refusal.ts';
import type { RouteResult } from '../routes.ts';

/** Lambda takes 6 MB, in which every quotation mark of this response counts twice. */
const MAX_BYTES = 4_500_000;

interface HttpResponse {
  statusCode: number;
  headers: Record<string, string>;
  body?: string;
}

/** A GET request: its own query for the next page's link, and the ETags that the client holds. */
interface GetRequest {
  readonly page: { readonly path: string; readonly raw: RawParameters };
  readonly ifNoneMatch: string | undefined;
}

/** Returns the HTTP response for a route's result; links to the next page only for a GET. */
export function httpResponse(result: RouteResult, get?: GetRequest): HttpResponse {
  if (!result.ok) {
    if ('reason' in result) return refusal(404, result.reason);
    const { parameter, message } = result;
    return refusal(400, 'bad-parameter', { parameter, message });
  }
  const body = JSON.stringify(result.body);
  // Only statistics of many tags come to this; a shorter stretch of time helps.
  if (Buffer.byteLength(body) > MAX_BYTES) {
    return refusal(400, 'bad-parameter', { parameter: 'from', message: 'from must be nearer to to: this is too much' });
  }
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
  const headers = { etag, ...(get && result.next && linkTo(get.page, result.next)) };
  if (matches(get?.ifNoneMatch, etag)) return { statusCode: 304, headers };
  return { statusCode: 200, headers: { 'content-type': 'application/json', ...headers }, body };
}

export function refusal(
  statusCode: number,
  reason: Refusal['reason'] | BadParameterRefusal['reason'],
  more = {},
  headers: Record<string, string> = {},
): HttpResponse {
  const body = JSON.stringify({ ok: false, reason, ...more });
  return { statusCode, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** Returns the URL of the next page: same path, same parameters. */
function linkTo({ path, raw }: GetRequest['page'], cursor: string) {
  return { link: `<${path}?${new URLSearchParams({ ...(raw as Record<string, string>), cursor })}>; rel="next"` };
}

/** Returns true if an If-None-Match header names the tag; compression on the way may have made it weak. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
