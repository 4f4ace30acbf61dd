import { text } from 'node:stream/consumers';
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import { listenOnLoopback } from '../../../tools/local-stack/run/listener.ts';
import type { LocalLedger } from '../stacks/local-ledger.ts';

/** When a program is killed: before a call takes effect, or after it and before the reply. */
export interface Death {
  readonly call: number;
  readonly moment: 'before' | 'after';
}

/** A received message, which stays invisible to others if the program is killed. */
interface Held {
  readonly QueueUrl: string;
  readonly ReceiptHandle: string;
}

/**
 * Opens an endpoint in front of a local stack's engines that passes calls until the last one: that one hangs, and
 * `onDeath` is called. Like the stack's control API, it returns where the engines are.
 */
export async function openKillingEndpoint(
  { stack, target }: LocalLedger,
  death: Death | undefined,
  onDeath: () => void,
) {
  const calls: string[] = [];
  const requests: Record<string, unknown>[] = [];
  const held: Held[] = [];
  const { url, close } = await listenOnLoopback(async (incoming, outgoing) => {
    const body = await text(incoming);
    if (incoming.url === '/place') {
      outgoing.end(JSON.stringify({ ...stack.place, awsEndpointUrl: url }));
      return;
    }
    const operation = String(incoming.headers['x-amz-target']);
    const isLast = calls.length === death?.call;
    calls.push(operation.split('.')[1] ?? '');
    const input = JSON.parse(body);
    requests.push(input);
    if (isLast && death?.moment === 'before') return onDeath();
    const { authorization = '', 'content-type': type = '' } = incoming.headers;
    const reply = await fetch(stack.place.awsEndpointUrl, {
      method: 'POST',
      headers: { 'x-amz-target': operation, authorization, 'content-type': type },
      // One queue on one machine has nothing that a longer wait would find.
      body: 'WaitTimeSeconds' in input ? JSON.stringify({ ...input, WaitTimeSeconds: 0 }) : body,
    });
    const xml = await reply.text();
    if (operation.endsWith('.ReceiveMessage')) held.push(...receivedIn(xml, input.QueueUrl));
    if (isLast) return onDeath();
    outgoing.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' }).end(xml);
  });
  return {
    url,
    calls,
    requests,
    close,
    /** Ends the time for which what it received is hidden, as though it had passed. */
    async expireVisibility(): Promise<void> {
      for (const { QueueUrl, ReceiptHandle } of held.splice(0)) {
        const show = new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
        // What it had deleted, or given back, is not hidden any more.
        await target.clients.queues.send(show).catch(() => {});
      }
    },
  };
}

function receivedIn(reply: string, QueueUrl: string): Held[] {
  const { Messages = [] }: { Messages?: { ReceiptHandle: string }[] } = JSON.parse(reply);
  return Messages.map(({ ReceiptHandle }) => ({ QueueUrl, ReceiptHandle }));
}
