import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Engine, type EngineReply, jsonReply } from '../engines/engine.ts';
import type { S3Engine } from '../engines/s3.ts';
import { measureTableCall } from '../metrics/implied-metrics.ts';
import type { Measure } from '../metrics/metric.ts';
import { type Listening, listenOnLoopback, readBody } from '../run/listener.ts';
import type { TableIndex } from '../template/resources.ts';
import { callerOf } from './caller.ts';
import { requestCapacity, takeCapacity } from './consumed-capacity.ts';
import { type Exchange, FAULT_EFFECTS } from './fault-effects.ts';
import type { FaultSource } from './fault-rules.ts';
import type { IndexLag } from './index-lag.ts';
import { writtenIndex } from './index-writes.ts';
import type { TablePermissions } from './table-permissions.ts';
import type { UsageMeter } from './usage.ts';

/** DynamoDB and SQS take at most 16 MiB and 1 MiB. */
const MAX_REQUEST_BYTES = 17 * 2 ** 20;

/** Objects may be larger. */
const MAX_OBJECT_BYTES = 2 ** 29;

/** Service by the first part of `X-Amz-Target`. */
const SERVICES: Readonly<Record<string, string>> = {
  DynamoDB_20120810: 'dynamodb',
  AmazonSQS: 'sqs',
  secretsmanager: 'secretsmanager',
  AWSEvents: 'events',
  GraniteServiceVersion20100801: 'cloudwatch',
  TrentService: 'kms',
};

interface AwsEndpointOptions {
  /** Engines with a JSON protocol, by service. */
  readonly engines: Readonly<Record<string, Engine>>;
  readonly s3: S3Engine;
  readonly usage: UsageMeter;
  readonly faults: FaultSource;
  readonly indexLag: IndexLag;
  readonly indexesOf: (table: string) => readonly TableIndex[];
  readonly measure: Measure;
  /** Known once the endpoint has a URL, since the template refers to it. */
  readonly permissions: () => TablePermissions;
}

/**
 * Starts the one endpoint between functions and engines: it meters all calls, injects faults,
 * and refuses what a function's role does not allow on a table.
 */
export function startAwsEndpoint(options: AwsEndpointOptions): Promise<Listening> {
  return listenOnLoopback((incoming, outgoing) => {
    handle(options, incoming, outgoing).catch((error) => {
      if (!outgoing.headersSent) send(outgoing, jsonReply(500, { __type: 'InternalFailure', message: String(error) }));
    });
  });
}

async function handle(options: AwsEndpointOptions, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { usage, faults, indexLag, indexesOf, measure } = options;
  if (incoming.headers['x-amz-target'] === undefined) return handleObject(options, incoming, outgoing);
  const { bytes } = await readBody(incoming, MAX_REQUEST_BYTES);
  const [target = '', operation = ''] = String(incoming.headers['x-amz-target']).split('.');
  const service = SERVICES[target] ?? '';
  const engine = options.engines[service];
  if (!engine) {
    const message = `the local stack does not know ${incoming.headers['x-amz-target'] ?? 'this call'}`;
    return send(outgoing, jsonReply(400, { __type: 'UnknownOperationException', message }));
  }

  const caller = callerOf(incoming.headers.authorization);
  usage.called(caller, `${service}.${operation}`);
  if (isRepeat(incoming)) usage.repeated();
  if (service === 'dynamodb') {
    const message = options.permissions().denial(caller, operation, bytes);
    if (message !== undefined) return send(outgoing, jsonReply(400, { __type: 'AccessDeniedException', message }));
  }
  const metered = service === 'dynamodb' ? meterDynamoDb(engine, caller, options) : engine;
  const exchange: Exchange = {
    service,
    operation,
    body: bytes,
    random: faults.random,
    perform: (body) => metered.call(operation, body),
    reply(reply) {
      if (service === 'dynamodb') measureTableCall(operation, bytes, reply, measure);
      send(outgoing, reply);
    },
    reset: () => incoming.socket.resetAndDestroy(),
    withoutRecent: (reply) => indexLag.withoutRecent(JSON.parse(bytes.toString('utf8')), reply),
    writtenIndex: () => writtenIndex(JSON.parse(bytes.toString('utf8')), indexesOf),
  };
  const mode = faults.strike(service, operation);
  if (mode) await FAULT_EFFECTS[mode](exchange);
  else exchange.reply(await exchange.perform(bytes));
}

/** SDKs number their attempts: `attempt=2; max=3`. */
function isRepeat({ headers }: IncomingMessage): boolean {
  return /^attempt=(?!1;)/.test(String(headers['amz-sdk-request']));
}

/** S3 identifies the operation by method and path. */
async function handleObject({ s3, usage }: AwsEndpointOptions, incoming: IncomingMessage, outgoing: ServerResponse) {
  const { method = '', url = '', headers } = incoming;
  const { bytes: body } = await readBody(incoming, MAX_OBJECT_BYTES);
  const operation = s3.operationOf({ method, url });
  if (operation !== undefined) usage.called(callerOf(headers.authorization), `s3.${operation}`);
  send(outgoing, s3.call({ method, url, headers, body }));
}

/** Wraps DynamoDB so that consumed capacity is charged to the caller. */
function meterDynamoDb(engine: Engine, caller: string, { usage, faults, indexLag }: AwsEndpointOptions): Engine {
  return {
    async call(operation, body) {
      const request = requestCapacity(operation, body);
      if (!request) return engine.call(operation, body);
      const [capacity, reply] = takeCapacity(operation, request.input, await engine.call(operation, request.body));
      usage.consumed(caller, capacity);
      if (reply.status === 200 && faults.has('index-lag')) indexLag.wrote(operation, request.input);
      return reply;
    },
  };
}

function send(outgoing: ServerResponse, { status, headers, body }: EngineReply): void {
  outgoing.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
}
