import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { S3_CONFIG } from '../../lambdas/adapters/archive/bucket.ts';

/**
 * A bucket on this machine that speaks as much of S3 as the archive uses: whole objects, `If-None-Match: *` and
 * checksums, as S3 has them. `loseReply` has the next put take effect and its connection break.
 */
export async function startS3Bucket(name: string) {
  const objects = new Map<string, Buffer>();
  let losesReply = false;
  const server = createServer(async (incoming, outgoing) => {
    const key = decodeURIComponent((incoming.url ?? '').split('?')[0] ?? '').slice(name.length + 2);
    const fail = (status: number, code: string) =>
      outgoing.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
    if (incoming.method === 'GET') {
      const found = objects.get(key);
      return found === undefined ? fail(404, 'NoSuchKey') : outgoing.writeHead(200).end(found);
    }
    if (incoming.method !== 'PUT') return fail(405, 'MethodNotAllowed');
    const body = await buffer(incoming);
    const digest = incoming.headers['x-amz-checksum-sha256'];
    if (digest !== createHash('sha256').update(body).digest('base64')) return fail(400, 'BadDigest');
    if (incoming.headers['if-none-match'] === '*' && objects.has(key)) return fail(412, 'PreconditionFailed');
    objects.set(key, body);
    if (!losesReply) return outgoing.writeHead(200).end();
    losesReply = false;
    return incoming.socket.resetAndDestroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return {
    objects,
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
