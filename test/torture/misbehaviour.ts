import type { ServerResponse } from 'node:http';
import { type ReceiverServer, startReceiver } from '../support/doubles/receiver-server.ts';

/** Handles the nth request of an event; returns true if it acknowledged. */
type Behaviour = (response: ServerResponse, attempt: number, isDoomed: boolean) => boolean;

const respond = (response: ServerResponse, status: number, headers = {}) => {
  response.writeHead(status, headers).end();
  return status === 204;
};

function streamForEver(response: ServerResponse): boolean {
  response.writeHead(200);
  const write = () => {
    while (!response.destroyed && response.write('x'.repeat(4096)));
  };
  response.on('drain', write).on('error', () => {});
  write();
  return true;
}

/** changing-names.ts defines what this receiver's name resolves to. */
export const CHANGES_ITS_ADDRESS = 'changes its address';

const BEHAVIOURS = (elsewhere: string): Readonly<Record<string, Behaviour>> => ({
  steady: (response) => respond(response, 204),
  'responds 500': (response, attempt, isDoomed) => {
    if (isDoomed || attempt === 1) return respond(response, 500);
    return attempt === 2 ? respond(response, 503, { 'retry-after': '1' }) : respond(response, 204);
  },
  // Until the delivery is given up.
  hangs: (response, attempt) => (attempt > 1 ? respond(response, 204) : false),
  'drops, redirects, streams': (response, attempt) => {
    if (attempt === 2) return respond(response, 302, { location: elsewhere });
    if (attempt > 2) return streamForEver(response);
    response.destroy();
    return false;
  },
  [CHANGES_ITS_ADDRESS]: (response) => respond(response, 204),
});

export interface MisbehavingReceiver {
  readonly name: string;
  readonly server: ReceiverServer;
  /** Message ids that it acknowledged; these are the oracle. */
  readonly acknowledged: Set<string>;
}

/** Every tenth event fails at the second receiver in every attempt. */
const isDoomed = (messageId: string) => Number(/^\d+/.exec(messageId)?.[0]) % 10 === 0;

const named = (url: string) => url.replace('127.0.0.1', 'localhost');

/** Starts one receiver that behaves correctly, and four that do not. */
export async function startMisbehaving(): Promise<MisbehavingReceiver[]> {
  const elsewhere = await startReceiver();
  const receivers = await Promise.all(
    Object.entries(BEHAVIOURS(elsewhere.url)).map(async ([name, behaviour]) => {
      const loopback = await startReceiver();
      const server = { ...loopback, url: name === CHANGES_ITS_ADDRESS ? named(loopback.url) : loopback.url };
      const acknowledged = new Set<string>();
      const attempts = new Map<string, number>();
      server.respond((response, { body }) => {
        const { messageId } = JSON.parse(body).data;
        const attempt = (attempts.get(messageId) ?? 0) + 1;
        attempts.set(messageId, attempt);
        if (behaviour(response, attempt, isDoomed(messageId))) acknowledged.add(messageId);
      });
      return { name, server, acknowledged };
    }),
  );
  return [...receivers, { name: 'where redirects lead', server: elsewhere, acknowledged: new Set() }];
}
