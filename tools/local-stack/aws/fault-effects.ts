import { setTimeout as sleep } from 'node:timers/promises';
import { type EngineReply, jsonReply } from '../engines/engine.ts';
import type { FaultMode } from './fault-rules.ts';
import { partialBatch } from './partial-batch.ts';

/** One call between a function and an engine, with the means to make it fail. */
export interface Exchange {
  readonly service: string;
  readonly operation: string;
  readonly body: Buffer;
  /** Returns a number from 0 to below 1. */
  random(): number;
  /** Sends the call to the engine with this body. */
  perform(body: Buffer): Promise<EngineReply>;
  reply(reply: EngineReply): void;
  /** Resets the connection: the caller gets no response. */
  reset(): void;
  /** Removes just-written items from an index query's reply. */
  withoutRecent(reply: EngineReply): EngineReply;
  /** Returns the index that this write also writes to. */
  writtenIndex(): string | undefined;
}

/** Longer than a function's timeout per attempt, so that some calls take effect after their caller gave up. */
const MAX_DELAY_MS = 3000;

/** Fixed delay of `slow` calls. */
const SLOW_MS = 200;

/** Effect of each fault mode on a call. */
export const FAULT_EFFECTS: Readonly<Record<FaultMode, (exchange: Exchange) => Promise<void> | void>> = {
  refuse: (exchange) => exchange.reset(),
  '500': (exchange) => exchange.reply(awsError(500, INTERNAL_ERROR[exchange.service])),
  throttle: (exchange) => exchange.reply(awsError(400, THROTTLED[exchange.service])),
  async delay(exchange) {
    await sleep(exchange.random() * MAX_DELAY_MS, undefined, { ref: false });
    exchange.reply(await exchange.perform(exchange.body));
  },
  async slow(exchange) {
    await sleep(SLOW_MS, undefined, { ref: false });
    exchange.reply(await exchange.perform(exchange.body));
  },
  hang() {},
  async 'drop-reply'(exchange) {
    await exchange.perform(exchange.body);
    exchange.reset();
  },
  async truncate(exchange) {
    const reply = await exchange.perform(exchange.body);
    exchange.reply({ ...reply, body: reply.body.subarray(0, Math.floor(reply.body.length / 2)) });
  },
  async duplicate(exchange) {
    await exchange.perform(exchange.body);
    exchange.reply(await exchange.perform(exchange.body));
  },
  async partial(exchange) {
    const reply = await partialBatch(exchange.operation, exchange.body, (body) => exchange.perform(body));
    exchange.reply(reply ?? awsError(400, THROTTLED[exchange.service]));
  },
  async 'index-lag'(exchange) {
    exchange.reply(exchange.withoutRecent(await exchange.perform(exchange.body)));
  },
  async 'index-throttle'(exchange) {
    const index = exchange.writtenIndex();
    exchange.reply(index === undefined ? await exchange.perform(exchange.body) : indexThrottled(index));
  },
};

const INTERNAL_ERROR: Readonly<Record<string, string>> = {
  dynamodb: 'com.amazonaws.dynamodb.v20120810#InternalServerError',
  sqs: 'com.amazonaws.sqs#InternalFailure',
  secretsmanager: 'InternalServiceError',
  events: 'InternalException',
  cloudwatch: 'com.amazonaws.cloudwatch.v2010_08_01#InternalServiceFault',
};

const THROTTLED: Readonly<Record<string, string>> = {
  dynamodb: 'com.amazonaws.dynamodb.v20120810#ThrottlingException',
  sqs: 'com.amazonaws.sqs#RequestThrottled',
  secretsmanager: 'ThrottlingException',
  events: 'ThrottlingException',
  cloudwatch: 'ThrottlingException',
};

/** DynamoDB rejects a write to the table if one of its indexes is throttled, and names the index. */
function indexThrottled(index: string): EngineReply {
  const resource = `arn:aws:dynamodb:us-east-1:000000000000:${index}`;
  const ThrottlingReasons = [{ reason: 'IndexWriteKeyRangeThroughputExceeded', resource }];
  return awsError(400, THROTTLED.dynamodb, { ThrottlingReasons });
}

function awsError(status: number, type: string | undefined, more: object = {}): EngineReply {
  return jsonReply(status, { __type: type, message: 'injected fault', ...more });
}
