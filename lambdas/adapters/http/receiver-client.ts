import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { ReceiverClient, ReceiverResponse } from '../../deliver/ports.ts';
import { addressOf } from './public-address.ts';

export interface ReceiverClientOptions {
  /** For resolving, connecting, sending and the response together. */
  timeoutMs: number;
  /** Lets plain HTTP reach loopback addresses, and nothing else that is not public; for the local stack. */
  allowsLoopback: boolean;
  /** @default the system's resolver */
  resolve?: (host: string) => Promise<readonly LookupAddress[]>;
}

/** The most that is read of a response; its first KiB is kept. */
const MAX_RESPONSE_BYTES = 65_536;
const MAX_KEPT_BYTES = 1024;

/**
 * Posts to receivers. The name is resolved once and the connection goes to the address that was checked, so that no
 * second look-up can lead elsewhere. Redirects are responses like any other.
 */
export function createReceiverClient({
  timeoutMs,
  allowsLoopback,
  resolve = (host) => lookup(host, { all: true }),
}: ReceiverClientOptions): ReceiverClient {
  return {
    async post(target, headers, body) {
      const url = new URL(target);
      const signal = AbortSignal.timeout(timeoutMs);
      const address = await withinTime(addressOf(url, { allowsLoopback, resolve }), signal);
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const outgoing = send({
        host: address,
        // The certificate must be that of the name, although an address is connected to.
        ...(isIP(url.hostname) === 0 && { servername: url.hostname }),
        port: url.port,
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        // A connection that lives on could be to an address whose name has moved.
        agent: false,
        signal,
        headers: { ...headers, host: url.host, 'content-length': Buffer.byteLength(body) },
      });
      return readResponse(outgoing, body, signal);
    },
  };
}

/** A look-up cannot be cancelled, but nothing waits for it any longer. */
function withinTime<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

function readResponse(outgoing: ClientRequest, body: string, signal: AbortSignal): Promise<ReceiverResponse> {
  return new Promise((resolve, reject) => {
    let hasStatus = false;
    // Once there is a status it counts, however the rest of the response ends.
    outgoing.on('error', (error) => {
      if (!hasStatus) reject(signal.aborted ? signal.reason : error);
    });
    outgoing.once('response', (incoming) => {
      hasStatus = true;
      const finish = (text: string) => {
        resolve({ status: incoming.statusCode ?? 0, retryAfter: incoming.headers['retry-after'], text });
        outgoing.destroy();
      };
      void readStart(incoming).then(finish);
    });
    outgoing.end(body);
  });
}

/** Returns the first KiB as text without control characters; reads a little more, so that short responses end in order. */
async function readStart(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      if (bytes < MAX_KEPT_BYTES) chunks.push(chunk.subarray(0, MAX_KEPT_BYTES - bytes));
      bytes += chunk.length;
      if (bytes >= MAX_RESPONSE_BYTES) break;
    }
  } catch {
    // Torn, or out of time.
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replaceAll(/[\p{Cc}\ufffd-\uffff]/gu, ' ');
}
