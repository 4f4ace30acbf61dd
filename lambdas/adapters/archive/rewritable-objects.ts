import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { DeleteObjectCommand, ListObjectVersionsCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { KeptObject, RewritableObjects } from '../../seal/ports.ts';
import { conditionalPut, OBJECT_TYPE, storedObject } from './bucket.ts';
import { type ArchiveBucket, getObject } from './open-bucket.ts';
import { openParquetWriter, type ParquetFile } from './parquet-file.ts';

/** Lists, reads and replaces objects of events, and removes the versions that they had. */
export function createRewritableObjects(bucket: ArchiveBucket): RewritableObjects {
  const { client, name: Bucket } = bucket;
  return {
    async *list(Prefix) {
      let kept: KeptObject | undefined;
      let next: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
      while (next !== undefined) {
        const page: ListedPage = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix, ...next }));
        for (const each of inOrderOfKeys(page)) {
          if (kept?.key !== each.key) {
            if (kept !== undefined) yield kept;
            kept = { key: each.key, isThere: false, oldVersions: [] };
          }
          if (each.isMarker) continue;
          if (each.isLatest) kept.isThere = true;
          else kept.oldVersions.push(each.version);
        }
        next = page.IsTruncated
          ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
      }
      if (kept !== undefined) yield kept;
    },

    async open(key) {
      const found = await getObject(bucket, key);
      return found && { ...(await storedObject(found.Body as unknown as Readable)), tag: found.ETag ?? '' };
    },

    begin() {
      const writer = openParquetWriter();
      let file: ParquetFile | undefined;
      const end = () => {
        file ??= writer.end();
        return file;
      };
      return {
        async add(rows) {
          writer.add(rows);
        },
        end: async () => end(),
        putOver(key, tag) {
          const { path, sha256, bytes } = end();
          return conditionalPut(bucket, {
            ...{ Key: key, ContentType: OBJECT_TYPE, ContentLength: bytes, IfMatch: tag },
            Body: createReadStream(path),
            ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
          });
        },
        async discard() {
          writer.remove();
        },
      };
    },

    async removeVersion(Key, VersionId) {
      const input = { Bucket, Key, VersionId };
      try {
        await client.send(new DeleteObjectCommand(input));
      } catch (error) {
        if (!(error instanceof S3ServiceException) || error.name !== 'AccessDenied') throw error;
        // A locked version is refused like this, until the lock is bypassed on purpose.
        await client.send(new DeleteObjectCommand({ ...input, BypassGovernanceRetention: true }));
      }
    },
  };
}

interface ListedVersion {
  Key?: string | undefined;
  VersionId?: string | undefined;
  IsLatest?: boolean | undefined;
}

interface ListedPage {
  Versions?: ListedVersion[] | undefined;
  DeleteMarkers?: ListedVersion[] | undefined;
  IsTruncated?: boolean | undefined;
  NextKeyMarker?: string | undefined;
  NextVersionIdMarker?: string | undefined;
}

/** A page has versions and delete markers apart; a key may go on in the next page. */
function inOrderOfKeys({ Versions = [], DeleteMarkers = [] }: ListedPage) {
  const all = [...Versions.map((each) => ({ ...each, isMarker: false })), ...DeleteMarkers.map(markerOf)];
  return all
    .map(({ Key: key = '', VersionId: version = '', IsLatest: isLatest = false, isMarker }) => {
      return { key, version, isLatest, isMarker };
    })
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

const markerOf = (each: ListedVersion) => ({ ...each, isMarker: true });
