import { GetObjectCommand, NoSuchKey, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { AWS_CLIENT_CONFIG, namesCalls } from '../aws/aws-client.ts';

/** The archive's bucket: a client bound to its name. */
export interface ArchiveBucket {
  client: S3Client;
  name: string;
}

/** Objects are large: they take longer than the calls of a webhook may. */
const REQUEST_MS = 120_000;

export function openArchiveBucket(name: string, requestMs = REQUEST_MS): ArchiveBucket {
  const requestHandler = { ...AWS_CLIENT_CONFIG.requestHandler, requestTimeout: requestMs, socketTimeout: requestMs };
  return { client: namesCalls(new S3Client({ ...AWS_CLIENT_CONFIG, ...S3_CONFIG, requestHandler })), name };
}

/** Every body comes with its own SHA-256; one that the client adds would send it in chunks. */
export const S3_CONFIG = {
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
} as const;

/** An object as it was listed, and how much there is to fetch of it. */
export interface SizedObject {
  readonly key: string;
  readonly bytes: number;
}

/** Yields the objects whose keys start with a prefix, in the order of their keys. */
export async function* listObjects(
  { client, name }: ArchiveBucket,
  Prefix: string,
  options: { abortSignal?: AbortSignal } = {},
): AsyncGenerator<SizedObject & { readonly tag: string }> {
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: name, Prefix }, options)) {
    for (const { Key, Size = 0, ETag = '' } of Contents)
      if (Key !== undefined) yield { key: Key, bytes: Size, tag: ETag };
  }
}

/** Yields their keys alone. */
export async function* listKeys(bucket: ArchiveBucket, prefix: string): AsyncGenerator<string> {
  for await (const { key } of listObjects(bucket, prefix)) yield key;
}

/** Requests an object; returns undefined if there is none under the key. */
export async function getObject({ client, name }: ArchiveBucket, Key: string) {
  try {
    return await client.send(new GetObjectCommand({ Bucket: name, Key }));
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}
