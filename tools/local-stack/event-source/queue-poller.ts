import { setTimeout as sleep } from 'node:timers/promises';
import { type Engine, request } from '../engines/engine.ts';
import type { FunctionProcess } from '../functions/function-process.ts';
import { failedMessages } from './batch-response.ts';
import type { QueueSource } from './queue-definition.ts';
import { batchesBySize, type Message, recordOf } from './queue-message.ts';

interface QueuePollerOptions {
  readonly source: QueueSource;
  readonly region: string;
  readonly sqs: Engine;
  readonly target: Pick<FunctionProcess, 'invoke'>;
  log(line: string): void;
}

const LONG_POLL_SECONDS = 20;
/** Delay between receives during a batching window: a receive per message would cost more than it gains. */
const GATHER_MS = 100;
/** A later reply counts as lost. */
const GRACE_MS = 3000;
/** Delay after an SQS failure. */
const PAUSE_MS = 200;
/** SQS's limit per call. */
const MAX_MESSAGES_PER_CALL = 10;

/**
 * Hands messages of a queue to a function as Lambda's poller does: in batches, with bounded concurrency. Deletes
 * successful messages, and leaves the others to their visibility timeout.
 */
export class QueuePoller {
  readonly #options: QueuePollerOptions;
  readonly #inFlight = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: QueuePollerOptions) {
    this.#options = options;
    void this.#poll();
  }

  /** Stops receiving messages. */
  stop(): void {
    this.#stopping = true;
  }

  async #poll(): Promise<void> {
    const { source } = this.#options;
    while (!this.#stopping) {
      if (this.#inFlight.size >= source.maxConcurrency) {
        await Promise.race(this.#inFlight);
        continue;
      }
      try {
        for (const batch of batchesBySize(await this.#collect())) this.#begin(batch);
      } catch (error) {
        this.#report('receive', error);
        await sleep(PAUSE_MS, undefined, { ref: false });
      }
    }
  }

  /** Returns a full batch, or what arrived within the window after its first message. */
  async #collect(): Promise<Message[]> {
    const { batchSize, windowSeconds } = this.#options.source;
    const messages = await this.#receive(batchSize, LONG_POLL_SECONDS);
    const untilMs = performance.now() + windowSeconds * 1000;
    while (messages.length > 0 && messages.length < batchSize && performance.now() < untilMs && !this.#stopping) {
      await sleep(GATHER_MS, undefined, { ref: false });
      try {
        messages.push(...(await this.#receive(batchSize - messages.length, 0)));
      } catch (error) {
        // Messages already received are processed without the rest.
        this.#report('receive', error);
        break;
      }
    }
    return messages;
  }

  async #receive(most: number, waitSeconds: number): Promise<Message[]> {
    const { sqs, source } = this.#options;
    const input = {
      QueueUrl: source.queueUrl,
      MaxNumberOfMessages: Math.min(most, MAX_MESSAGES_PER_CALL),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    };
    const patience = AbortSignal.timeout(waitSeconds * 1000 + GRACE_MS);
    return (await request<{ Messages?: Message[] }>(sqs, 'ReceiveMessage', input, patience)).Messages ?? [];
  }

  #begin(batch: readonly Message[]): void {
    const work: Promise<void> = this.#process(batch)
      .catch((error) => this.#report('batch', error))
      .finally(() => this.#inFlight.delete(work));
    this.#inFlight.add(work);
  }

  async #process(batch: readonly Message[]): Promise<void> {
    const { source, target, region } = this.#options;
    const Records = batch.map((message) => recordOf(message, source.queueArn, region));
    const outcome = await target.invoke(JSON.stringify({ Records }));
    if (!outcome.ok) throw new Error(`${batch.length} messages stay in the queue: ${outcome.error}`);
    const ids = batch.map(({ MessageId }) => MessageId);
    const failed = source.reportsFailures ? failedMessages(outcome.payload, ids) : new Set();
    await this.#delete(batch.filter(({ MessageId }) => !failed.has(MessageId)));
  }

  async #delete(messages: readonly Message[]): Promise<void> {
    for (let from = 0; from < messages.length; from += MAX_MESSAGES_PER_CALL) {
      const Entries = messages
        .slice(from, from + MAX_MESSAGES_PER_CALL)
        .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      const input = { QueueUrl: this.#options.source.queueUrl, Entries };
      await request(this.#options.sqs, 'DeleteMessageBatch', input, AbortSignal.timeout(GRACE_MS));
    }
  }

  /** Errors during shutdown are expected. */
  #report(what: string, error: unknown): void {
    if (!this.#stopping) this.#options.log(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
