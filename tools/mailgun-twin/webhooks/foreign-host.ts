import { startServer } from '../loopback-server.ts';

/** A host that does not belong to Mailgun, and the requests it received. */
export interface ForeignHost {
  readonly url: string;
  received(): { readonly requests: number; readonly credentials: number };
  close(): Promise<void>;
}

/** Responds like Mailgun, so that the client cannot notice. */
export async function startForeignHost(): Promise<ForeignHost> {
  let requests = 0;
  let credentials = 0;
  const server = await startServer((incoming, outgoing) => {
    requests += 1;
    if (incoming.headers.authorization !== undefined) credentials += 1;
    const page = `http://${incoming.headers.host}${incoming.url}`;
    outgoing.writeHead(200, { 'content-type': 'application/json' });
    outgoing.end(JSON.stringify({ items: [], paging: { next: page, previous: page } }));
  });
  return { ...server, received: () => ({ requests, credentials }) };
}
