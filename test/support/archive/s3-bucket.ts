import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { S3_CONFIG } from '../../../lambdas/adapters/archive/archive-bucket.ts';

const PAGE = 3;
const tagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;

/**
 * Starts a versioned bucket on this machine with the part of S3 that the archive uses: whole and ranged reads,
 * conditions, checksums and versions, a few versions a page. A locked version is deleted only with the lock bypassed.
 * `loseReply` makes the next put take effect and lose its reply.
 */
export async function startS3Bucket(name: string) {
  const objects = new Map<string, Buffer>();
  /** Earlier versions of objects, by key and id. */
  const versions = new Map<string, Map<string, Buffer>>();
  /** Objects read, with their bytes. */
  const gets: { key: string; bytes: number }[] = [];
  /** True for each next read whose connection breaks in the middle of the body. */
  const breaks: boolean[] = [];
  let losesReply = false;
  let puts = 0;
  const server = createServer(async (incoming, outgoing) => {
    const url = new URL(incoming.url ?? '', 'http://bucket');
    const key = decodeURIComponent(url.pathname).slice(name.length + 2);
    const versionId = url.searchParams.get('versionId') ?? '';
    const fail = (status: number, code: string) =>
      outgoing.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
    if (incoming.method === 'GET' && url.searchParams.has('versions'))
      return outgoing.writeHead(200, { 'content-type': 'application/xml' }).end(listed(url.searchParams));
    if (incoming.method === 'GET' && url.searchParams.has('list-type'))
      return outgoing.writeHead(200, { 'content-type': 'application/xml' }).end(keysFrom(url.searchParams));
    if (incoming.method === 'GET') {
      const found = objects.get(key);
      if (found === undefined) return fail(404, 'NoSuchKey');
      const match = incoming.headers['if-match'];
      if (match !== undefined && match !== tagOf(found)) return fail(412, 'PreconditionFailed');
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(incoming.headers.range ?? '') ?? [];
      const bytes = first === undefined ? found : found.subarray(Number(first), Number(last) + 1);
      gets.push({ key, bytes: bytes.length });
      if (breaks.shift()) {
        outgoing.writeHead(206, { 'content-length': bytes.length }).write(bytes.subarray(0, 10));
        return setImmediate(() => incoming.socket.resetAndDestroy());
      }
      return outgoing.writeHead(first === undefined ? 200 : 206, { etag: tagOf(found) }).end(bytes);
    }
    if (incoming.method === 'DELETE') {
      if (incoming.headers['x-amz-bypass-governance-retention'] !== 'true') return fail(403, 'AccessDenied');
      versions.get(key)?.delete(versionId);
      return outgoing.writeHead(204).end();
    }
    if (incoming.method !== 'PUT') return fail(405, 'MethodNotAllowed');
    const body = await buffer(incoming);
    const digest = incoming.headers['x-amz-checksum-sha256'];
    if (digest !== createHash('sha256').update(body).digest('base64')) return fail(400, 'BadDigest');
    if (incoming.headers['if-none-match'] === '*' && objects.has(key)) return fail(412, 'PreconditionFailed');
    const before = objects.get(key);
    const ifMatch = incoming.headers['if-match'];
    if (ifMatch !== undefined && (before === undefined || ifMatch !== tagOf(before)))
      return fail(412, 'PreconditionFailed');
    if (before !== undefined) versions.set(key, (versions.get(key) ?? new Map()).set(`v${++puts}`, before));
    objects.set(key, body);
    if (!losesReply) return outgoing.writeHead(200).end();
    losesReply = false;
    return incoming.socket.resetAndDestroy();
  });
  /** Returns a page of versions, the current ones first; a page may begin in the middle of a key. */
  function listed(query: URLSearchParams): string {
    const keys = [...objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '')).sort();
    const all = keys.flatMap((key) => {
      const old = [...(versions.get(key)?.keys() ?? [])].reverse();
      return ['now', ...old].map((id) => ({ key, id, isLatest: id === 'now' }));
    });
    const marker = query.get('key-marker');
    const after = all.findIndex(({ key, id }) => key === marker && id === query.get('version-id-marker'));
    const page = all.slice(after + 1, after + 1 + PAGE);
    const last = page.at(-1);
    const items = page.map(
      ({ key, id, isLatest }) =>
        `<Version><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>${isLatest}</IsLatest></Version>`,
    );
    const isTruncated = after + 1 + PAGE < all.length;
    const next = `<NextKeyMarker>${last?.key}</NextKeyMarker><NextVersionIdMarker>${last?.id}</NextVersionIdMarker>`;
    return `<ListVersionsResult><IsTruncated>${isTruncated}</IsTruncated>${isTruncated ? next : ''}${items.join('')}</ListVersionsResult>`;
  }
  /** Returns a page of keys; the continuation token is the last key. */
  function keysFrom(query: URLSearchParams): string {
    const after = query.get('continuation-token') ?? '';
    const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter')];
    // A folder stands for all keys in it.
    const shown = [...objects.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => {
        const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
        return end < 0 ? key : key.slice(0, end + 1);
      });
    const keys = [...new Set(shown)].filter((key) => key > after).sort();
    const page = keys.slice(0, PAGE);
    const next = keys.length > PAGE ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    const items = page.map((key) => {
      if (delimiter !== null && key.endsWith(delimiter))
        return `<CommonPrefixes><Prefix>${key}</Prefix></CommonPrefixes>`;
      const bytes = objects.get(key) as Buffer;
      return `<Contents><Key>${key}</Key><Size>${bytes.length}</Size><ETag>${tagOf(bytes)}</ETag></Contents>`;
    });
    return `<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${items.join('')}</ListBucketResult>`;
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return {
    objects,
    versions,
    gets,
    breaks,
    url: `${endpoint}/${name}`,
    bucket: {
      client: new S3Client({ ...S3_CONFIG, endpoint, region: 'us-east-1', credentials, forcePathStyle: true }),
      name,
    },
    loseReply() {
      losesReply = true;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type S3Bucket = Awaited<ReturnType<typeof startS3Bucket>>;
