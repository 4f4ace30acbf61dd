import { text } from 'node:stream/consumers';
import { listenOnLoopback } from '../../tools/local-stack/run/listener.ts';
import type { LocalLedger } from './local-ledger.ts';

/** A moment at which a program dies: before a call takes effect, or after it did and before its reply. */
export interface Death {
  readonly call: number;
  readonly moment: 'before' | 'after';
}

/** How long a message that a killed program had in hand stays hidden: no one waits for a minute here. */
const SEND_VISIBILITY_SECONDS = 1;

/**
 * An endpoint in front of a local stack's engines that lets calls through until one of them is to be the last: that one hangs, and
 * `onDeath` is told. It also tells where the engines are, as the control of the stack does.
 */
export async function openKillingEndpoint({ stack }: LocalLedger, death: Death | undefined, onDeath: () => void) {
  const calls: string[] = [];
  const requests: Record<string, unknown>[] = [];
  const { url, close } = await listenOnLoopback(async (incoming, outgoing) => {
    const body = await text(incoming);
    if (incoming.url === '/place') {
      outgoing.end(JSON.stringify({ ...stack.place, awsEndpointUrl: url }));
      return;
    }
    const target = String(incoming.headers['x-amz-target']);
    const isLast = calls.length === death?.call;
    calls.push(target.split('.')[1] ?? '');
    requests.push(JSON.parse(body));
    if (isLast && death?.moment === 'before') return onDeath();
    const { authorization = '', 'content-type': type = '' } = incoming.headers;
    const reply = await fetch(stack.place.awsEndpointUrl, {
      method: 'POST',
      headers: { 'x-amz-target': target, authorization, 'content-type': type },
      body: target.endsWith('.ReceiveMessage') ? hiddenShortly(body) : body,
    });
    const answer = Buffer.from(await reply.arrayBuffer());
    if (isLast) return onDeath();
    outgoing.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' }).end(answer);
  });
  return { url, calls, requests, close };
}

function hiddenShortly(body: string): string {
  return JSON.stringify({ ...JSON.parse(body), VisibilityTimeout: SEND_VISIBILITY_SECONDS });
}
