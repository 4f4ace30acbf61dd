import { isRecord } from '../template/template.ts';
import type { Engine } from './engine.ts';

export interface SqsEngine extends Engine {
  createQueue(name: string, attributes: Readonly<Record<string, string>>, region: string): Promise<void>;
  /**
   * Returns when the oldest message in a queue was sent, of those received at most `maxReceives` times; undefined if
   * none.
   */
  oldestSentMs(name: string, maxReceives: number): Promise<number | undefined>;
  close(): Promise<void>;
}

// Imported early: it takes as long as everything else here.
const loading = import('fauxqs');

/** Starts SQS inside this process. fauxqs can listen only on all interfaces, so it does not listen at all. */
export async function startSqs(): Promise<SqsEngine> {
  const { buildApp } = await loading;
  const app = buildApp({ logger: false });
  // Its queue inspection would serialize every message with its body.
  app.addHook('preSerialization', async (_request, _reply, payload) =>
    isInspection(payload) ? ages(payload) : payload,
  );
  await app.ready();
  const queues: string[] = [];
  const inject = (operation: string, payload: Buffer | string, region?: string) =>
    app.inject({
      method: 'POST',
      url: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${operation}`,
        // fauxqs takes a new queue's region from the request's signature.
        ...(region && { authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${region}/sqs/aws4_request` }),
      },
      payload,
    });
  return {
    async call(operation, body) {
      const reply = await inject(operation, body);
      const headers: Record<string, string> = { 'content-type': 'application/x-amz-json-1.0' };
      const queryError = reply.headers['x-amzn-query-error'];
      if (typeof queryError === 'string') headers['x-amzn-query-error'] = queryError;
      return { status: reply.statusCode, headers, body: reply.rawPayload };
    },
    async createQueue(name, Attributes, region) {
      const reply = await inject('CreateQueue', JSON.stringify({ QueueName: name, Attributes }), region);
      if (reply.statusCode !== 200) throw new Error(`the queue ${name} cannot be created: ${reply.payload}`);
      queues.push(name);
    },
    async oldestSentMs(name, maxReceives) {
      const reply = await app.inject({ method: 'GET', url: `/_fauxqs/queues/${name}` });
      if (reply.statusCode !== 200) throw new Error(`the queue ${name} cannot be inspected: ${reply.payload}`);
      const sent = reply.json<[sentMs: number, receives: number][]>();
      return sent.reduce<number | undefined>(
        (oldest, [sentMs, receives]) =>
          receives > maxReceives || (oldest !== undefined && oldest < sentMs) ? oldest : sentMs,
        undefined,
      );
    },
    async close() {
      // Deletes the queues: a long poll would otherwise keep this process alive.
      for (const name of queues) await inject('DeleteQueue', JSON.stringify({ QueueUrl: `http://queues/${name}` }));
      await app.close();
    },
  };
}

interface Inspected {
  readonly sentTimestamp: number;
  readonly approximateReceiveCount: number;
}

interface Inspection {
  readonly messages: {
    readonly ready: readonly Inspected[];
    readonly delayed: readonly Inspected[];
    readonly inflight: readonly { readonly message: Inspected }[];
  };
}

function isInspection(payload: unknown): payload is Inspection {
  return isRecord(payload) && isRecord(payload.messages) && Array.isArray(payload.messages.inflight);
}

function ages({ messages: { ready, delayed, inflight } }: Inspection): [number, number][] {
  const all = [...ready, ...delayed, ...inflight.map(({ message }) => message)];
  return all.map(({ sentTimestamp, approximateReceiveCount }) => [sentTimestamp, approximateReceiveCount]);
}
