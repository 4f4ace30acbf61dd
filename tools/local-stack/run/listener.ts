import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartupError } from './startup-error.ts';

export interface Listening {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** A server whose address is known before its handler is set. */
export interface Listener extends Listening {
  /** Sets the handler; until then requests get a 503. */
  open(handler: RequestListener): void;
}

export async function reserveListener(port = 0): Promise<Listener> {
  let handle: RequestListener = (_, outgoing) => outgoing.writeHead(503).end('the local stack is starting\n');
  const listening = await listenOnLoopback((incoming, outgoing) => handle(incoming, outgoing), port);
  return {
    ...listening,
    open(handler) {
      handle = handler;
    },
  };
}

/** Starts an HTTP server on loopback; port 0 takes any. */
export async function listenOnLoopback(handler: RequestListener, port = 0): Promise<Listening> {
  // Longer than clients keep idle connections, so that none is closed as it is reused.
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 0 }, handler);
  await listen(server, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      reject(new StartupError(`Port ${port} is in use: stop what listens there, or choose another with --port.`, 2));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

interface Body {
  readonly bytes: Buffer;
  /** True if the body exceeded the limit; the rest was read and discarded. */
  readonly tooLarge: boolean;
}

/** Reads a body to its end even beyond the limit: responding earlier may block a client that is still sending. */
export async function readBody(incoming: IncomingMessage, limit: number): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
  }
  return { bytes: Buffer.concat(chunks), tooLarge: size > limit };
}
