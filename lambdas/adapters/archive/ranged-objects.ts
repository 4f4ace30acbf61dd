import { addAbortSignal, type Readable } from 'node:stream';
import { GetObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { ArchivedObjects, ListedObject, ObjectReading } from '../../read-api/ports.ts';
import { type ArchiveBucket, listObjects, openArchiveBucket } from './open-bucket.ts';
import { openRowGroups } from './parquet-rows.ts';

/** An object up to this size is read in one request: a second one takes longer than its bytes. */
const WHOLE_BYTES = 65_536;

/** Timeout of a request: ranges are small, and a client is waiting. */
const REQUEST_MS = 3000;

export const openRangedObjects = (bucketName: string) => createRangedObjects(openArchiveBucket(bucketName, REQUEST_MS));

/** Lists objects of events, and reads single columns by ranges, so that only needed bytes are transferred. */
export function createRangedObjects(bucket: ArchiveBucket): ArchivedObjects {
  return {
    list: (prefix, abortSignal) => listObjects(bucket, prefix, { abortSignal }),

    async open(object, reading) {
      const { bytes } = object;
      const footerBytes = Math.min(bytes, WHOLE_BYTES);
      let end: Promise<ArrayBuffer> | undefined;
      const file = {
        byteLength: bytes,
        async slice(from: number, to = bytes): Promise<ArrayBuffer> {
          if (from < bytes - footerBytes) return fetchRange(bucket, object, [from, to], reading);
          end ??= fetchRange(bucket, object, [bytes - footerBytes, bytes], reading);
          return (await end).slice(from - bytes + footerBytes, to - bytes + footerBytes);
        },
      };
      return openRowGroups(file, footerBytes);
    },
  };
}

type Range = readonly [from: number, to: number];

/**
 * Reads a range of an object; retries once if the connection breaks. Throws if the object has changed since it was
 * listed.
 */
async function fetchRange(
  { client, name }: ArchiveBucket,
  { key, tag }: ListedObject,
  [from, to]: Range,
  { signal, take }: ObjectReading,
): Promise<ArrayBuffer> {
  take(to - from);
  const input = { Bucket: name, Key: key, Range: `bytes=${from}-${to - 1}`, IfMatch: tag };
  const attempt = async () => {
    const { Body } = await client.send(new GetObjectCommand(input), { abortSignal: signal });
    const chunks: Buffer[] = [];
    for await (const chunk of addAbortSignal(signal, Body as unknown as Readable)) chunks.push(chunk as Buffer);
    // The rest is CPU work, which nothing aborts.
    signal.throwIfAborted();
    const bytes = Buffer.concat(chunks);
    if (bytes.length !== to - from) throw new Error(`${bytes.length} bytes instead of ${to - from}`);
    return Uint8Array.from(bytes).buffer;
  };
  return attempt().catch((error: unknown) => {
    if (signal.aborted || error instanceof S3ServiceException) throw error;
    return attempt();
  });
}
