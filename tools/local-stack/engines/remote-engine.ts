import { type Agent, request as httpRequest } from 'node:http';
import type { Engine } from './engine.ts';

interface RemoteEngineOptions {
  readonly agent: Agent;
  readonly port: number;
  /** First part of `X-Amz-Target`. */
  readonly target: string;
  readonly accessKeyId: string;
}

/** Connects to an engine on another port. It requires a well-formed signature, and verifies none. */
export function connectEngine({ agent, port, target, accessKeyId }: RemoteEngineOptions): Engine {
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/local/aws4_request, SignedHeaders=host, Signature=0`;
  return {
    call: (operation, body, signal) =>
      new Promise((resolve, reject) => {
        const outgoing = httpRequest({
          host: '127.0.0.1',
          port,
          agent,
          method: 'POST',
          ...(signal && { signal }),
          headers: {
            'content-type': 'application/x-amz-json-1.0',
            'content-length': body.length,
            'x-amz-target': `${target}.${operation}`,
            authorization,
            // dynoxide rejects requests without this header; AWS SDKs always send it.
            'x-amz-date': '20260101T000000Z',
          },
        });
        outgoing.once('error', reject);
        outgoing.once('response', (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.once('error', reject);
          incoming.once('end', () => {
            const headers = { 'content-type': 'application/x-amz-json-1.0' };
            resolve({ status: incoming.statusCode ?? 500, headers, body: Buffer.concat(chunks) });
          });
        });
        outgoing.end(body);
      }),
  };
}
