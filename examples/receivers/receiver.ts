// Receives deliveries: npm install standardwebhooks, then SECRET=whsec_… PORT=9999 node receiver.ts
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.SECRET ?? '');
/** The greatest order of each subject; yours belongs into your database. */
const held = new Map<string, string>();

const server = createServer(async (request, response) => {
  const body = await text(request);
  try {
    const { type, data } = webhook.verify(body, request.headers as Record<string, string>) as never as Delivery;
    // Repeats and what was overtaken have no greater order; a receiver.test has no subject.
    if (data.subject !== undefined && data.order > (held.get(data.subject) ?? '')) {
      held.set(data.subject, data.order);
      console.log(type, data.id);
    }
    response.writeHead(204).end();
  } catch {
    response.writeHead(401).end();
  }
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log('listening', (server.address() as AddressInfo).port);
});

type Delivery = { type: string; data: { id: string; subject?: string; order: string } };
