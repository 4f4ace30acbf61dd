import { createHash } from 'node:crypto';
import type { EngineReply } from './engine.ts';

/** An S3 request with the bucket in its path. */
interface S3Request {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface S3Engine {
  createBucket(name: string, options: { readonly versioned: boolean }): void;
  /** Returns the operation of a request; undefined if this engine does not support it. */
  operationOf(request: Pick<S3Request, 'method' | 'url'>): string | undefined;
  call(request: S3Request): EngineReply;
}

interface Bucket {
  readonly versioned: boolean;
  /** Versions by key, newest last. */
  readonly objects: Map<string, Version[]>;
}

interface Version {
  readonly id: string;
  readonly bytes: Buffer;
  readonly etag: string;
}

/**
 * In-memory buckets with whole and ranged reads, conditions, SHA-256 checksums and versions. fauxqs has buckets too,
 * but ignores `If-None-Match`, which protects sealed objects from being overwritten.
 */
export function createS3(): S3Engine {
  const buckets = new Map<string, Bucket>();
  let puts = 0;

  const operations: Record<
    string,
    (bucket: Bucket, key: string, request: S3Request, query: URLSearchParams) => EngineReply
  > = {
    GetObject({ objects }, key, { headers }, query) {
      const versions = objects.get(key) ?? [];
      const id = query.get('versionId');
      const found = id === null ? versions.at(-1) : versions.find((version) => version.id === id);
      if (found === undefined) return failure(404, 'NoSuchKey');
      const { bytes, etag } = found;
      const ifMatch = headers['if-match'];
      if (ifMatch !== undefined && ifMatch !== etag) return failure(412, 'PreconditionFailed');
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(String(headers.range)) ?? [];
      if (first === undefined) return reply(200, bytes, { etag });
      if (Number(first) >= bytes.length) return failure(416, 'InvalidRange');
      const range = bytes.subarray(Number(first), Number(last) + 1);
      const contentRange = `bytes ${first}-${Number(first) + range.length - 1}/${bytes.length}`;
      return reply(206, range, { etag, 'content-range': contentRange });
    },
    PutObject({ objects, versioned }, key, { headers, body }) {
      const digest = headers['x-amz-checksum-sha256'];
      if (digest !== undefined && digest !== createHash('sha256').update(body).digest('base64'))
        return failure(400, 'BadDigest');
      const versions = objects.get(key) ?? [];
      const latest = versions.at(-1);
      if (headers['if-none-match'] === '*' && latest !== undefined) return failure(412, 'PreconditionFailed');
      const ifMatch = headers['if-match'];
      if (ifMatch !== undefined && latest === undefined) return failure(404, 'NoSuchKey');
      if (ifMatch !== undefined && ifMatch !== latest?.etag) return failure(412, 'PreconditionFailed');
      const etag = `"${createHash('md5').update(body).digest('hex')}"`;
      const version = { id: versioned ? `v${++puts}` : 'null', bytes: body, etag };
      objects.set(key, versioned ? [...versions, version] : [version]);
      return reply(200, Buffer.alloc(0), { etag });
    },
    DeleteObject({ objects }, key, _request, query) {
      const id = query.get('versionId');
      const left = (objects.get(key) ?? []).filter((version) => id !== null && version.id !== id);
      if (left.length > 0) objects.set(key, left);
      else objects.delete(key);
      return reply(204);
    },
    ListObjectsV2({ objects }, _key, _request, query) {
      const prefix = query.get('prefix') ?? '';
      const delimiter = query.get('delimiter');
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
      const folders = new Map(
        keys.map((key) => {
          const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
          return [key, end < 0 ? undefined : key.slice(0, end + 1)];
        }),
      );
      const inFolders = [...new Set(folders.values())].flatMap((folder) =>
        folder === undefined ? [] : `<CommonPrefixes><Prefix>${escaped(folder)}</Prefix></CommonPrefixes>`,
      );
      const direct = keys.filter((key) => folders.get(key) === undefined);
      const items = direct.map((key) => {
        const { bytes, etag } = objects.get(key)?.at(-1) ?? { bytes: '', etag: '' };
        return `<Contents><Key>${escaped(key)}</Key><Size>${bytes.length}</Size><ETag>${escaped(etag)}</ETag></Contents>`;
      });
      return xml(
        200,
        `<ListBucketResult><IsTruncated>false</IsTruncated>${items.join('')}${inFolders.join('')}</ListBucketResult>`,
      );
    },
    ListObjectVersions({ objects }, _key, _request, query) {
      const prefix = query.get('prefix') ?? '';
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
      const items = keys.flatMap((key) =>
        (objects.get(key) ?? []).toReversed().map(({ id, etag }, nth) => {
          const facts = { Key: key, VersionId: id, IsLatest: String(nth === 0), ETag: etag };
          return `<Version>${Object.entries(facts)
            .map(([name, value]) => `<${name}>${escaped(value)}</${name}>`)
            .join('')}</Version>`;
        }),
      );
      return xml(200, `<ListVersionsResult><IsTruncated>false</IsTruncated>${items.join('')}</ListVersionsResult>`);
    },
  };

  function operationOf({ method, url }: Pick<S3Request, 'method' | 'url'>): string | undefined {
    const { key, query } = placeOf(url);
    if (method === 'GET' && key === '')
      return query.has('versions') ? 'ListObjectVersions' : query.has('list-type') ? 'ListObjectsV2' : undefined;
    return { GET: 'GetObject', PUT: 'PutObject', DELETE: 'DeleteObject' }[method];
  }

  return {
    createBucket(name, { versioned }) {
      buckets.set(name, { versioned, objects: new Map() });
    },
    operationOf,
    call(request) {
      const { bucket: name, key, query } = placeOf(request.url);
      const bucket = buckets.get(name);
      if (bucket === undefined) return failure(404, 'NoSuchBucket');
      return operations[operationOf(request) ?? '']?.(bucket, key, request, query) ?? failure(501, 'NotImplemented');
    },
  };
}

function placeOf(url: string) {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [, bucket = '', ...key] = pathname.split('/');
  return { bucket, key: decodeURIComponent(key.join('/')), query: searchParams };
}

function reply(status: number, body: Buffer = Buffer.alloc(0), headers: Record<string, string> = {}): EngineReply {
  return { status, headers, body };
}

const xml = (status: number, text: string) => reply(status, Buffer.from(text), { 'content-type': 'application/xml' });

const failure = (status: number, code: string) => xml(status, `<Error><Code>${code}</Code></Error>`);

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
