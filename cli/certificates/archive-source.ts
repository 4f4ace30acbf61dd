import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import {
  type ArchiveBucket,
  listFolders,
  listKeys,
  listObjects,
  S3_CONFIG,
  type SizedObject,
} from '../../lambdas/adapters/archive/archive-bucket.ts';
import {
  createEventObjects,
  createManifestBucket,
  storedObject,
} from '../../lambdas/adapters/archive/archive-objects.ts';
import type { ArchiveRow } from '../../lambdas/domain/archive/archive-row.ts';
import type { StoredObject } from '../../lambdas/seal/ports.ts';
import { TargetUnavailableError, UsageError } from '../errors.ts';

/** An archive that can be read: the bucket, or a folder with what it holds. */
export interface ArchiveSource {
  readText(key: string): Promise<string | undefined>;
  open(key: string): Promise<StoredObject | undefined>;
  /** Yields the keys that start with a prefix, which ends at a slash. */
  list(prefix: string): AsyncIterable<string>;
  /** Yields the names of the folders directly under a prefix, which ends at a slash. */
  folders(prefix: string): AsyncIterable<string>;
  /** Yields objects with their sizes. */
  listSized(prefix: string): AsyncIterable<SizedObject>;
}

/** Opens `--archive`: a folder, `s3://<bucket>` by the credentials of the shell, or the URL of a local bucket. */
export async function openArchive(place: string): Promise<ArchiveSource> {
  const bucket = bucketIn(place);
  if (bucket !== undefined) return archiveIn(bucket);
  if (!(await stat(place).catch(() => undefined))?.isDirectory())
    throw new UsageError(`--archive takes a folder or s3://<bucket>; there is no folder ${place}`);
  async function* list(prefix: string) {
    const names = await readdir(join(place, prefix)).catch(absent);
    for (const name of (names ?? []).sort()) yield `${prefix}${name}`;
  }
  return {
    readText: (key) => readFile(join(place, key), 'utf8').catch(absent),
    async open(key) {
      if ((await stat(join(place, key)).catch(absent)) === undefined) return undefined;
      return storedObject(createReadStream(join(place, key)));
    },
    list,
    async *folders(prefix) {
      const entries = await readdir(join(place, prefix), { withFileTypes: true }).catch(absent);
      for (const entry of entries ?? []) if (entry.isDirectory()) yield entry.name;
    },
    async *listSized(prefix) {
      for await (const key of list(prefix)) yield { key, bytes: (await stat(join(place, key))).size };
    },
  };
}

/** Returns the archive in a bucket. */
export function archiveIn(bucket: ArchiveBucket): ArchiveSource {
  const { readText } = createManifestBucket(bucket);
  const { open } = createEventObjects(bucket);
  return {
    readText,
    open,
    list: (prefix) => listKeys(bucket, prefix),
    folders: (prefix) => listFolders(bucket, prefix),
    listSized: (prefix) => listObjects(bucket, prefix),
  };
}

/** Yields the rows of a listed object by row groups, and removes its temporary file, also where a reader stops early. */
export async function* rowGroups(source: Pick<ArchiveSource, 'open'>, key: string): AsyncGenerator<ArchiveRow[]> {
  const stored = await source.open(key);
  if (stored === undefined) throw new TargetUnavailableError(`${key} was listed, but is not in the archive any more`);
  try {
    yield* stored.rows();
  } finally {
    await stored.discard();
  }
}

function bucketIn(place: string): ArchiveBucket | undefined {
  const name = /^s3:\/\/([^/]+)\/?$/.exec(place)?.[1];
  if (name !== undefined) return { client: new S3Client(S3_CONFIG), name };
  const [, endpoint = '', local] = /^(http:\/\/127\.0\.0\.1:\d+)\/([^/]+)\/?$/.exec(place) ?? [];
  if (local === undefined) return undefined;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return {
    client: new S3Client({ ...S3_CONFIG, endpoint, credentials, region: 'local', forcePathStyle: true }),
    name: local,
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
