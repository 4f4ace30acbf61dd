import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request received by a receiver. */
export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly atMs: number;
}

export interface ReceiverServer {
  readonly url: string;
  readonly received: ReceivedRequest[];
  /** Returns the distinct ids received. */
  ids(): Set<string>;
  /** Sets how it responds; until then it acknowledges. */
  respond(how: (response: ServerResponse, request: ReceivedRequest) => void): void;
  close(): Promise<void>;
}

const acknowledge = (response: ServerResponse) => void response.writeHead(204).end();

/** Starts a receiver on this machine that records requests. */
export async function startReceiver(): Promise<ReceiverServer> {
  const received: ReceivedRequest[] = [];
  let how: (response: ServerResponse, request: ReceivedRequest) => void = acknowledge;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const one = { headers: request.headers, body, atMs: Date.now() };
      received.push(one);
      how(response, one);
    });
    request.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    ids: () => new Set(received.map(({ headers }) => String(headers['webhook-id']))),
    respond(other) {
      how = other;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
