import { type Engine, request } from '../engines/engine.ts';
import type { FunctionProcess } from '../functions/function-process.ts';
import { failedMessages } from './batch-response.ts';
import { pause } from './pause.ts';
import type { StreamSource } from './stream-definition.ts';

export interface HandedOverRecord {
  readonly eventID: string;
  readonly eventName: string;
  readonly dynamodb: { readonly SequenceNumber: string; readonly ApproximateCreationDateTime: number };
}

export interface StreamHandOverOptions {
  readonly source: StreamSource;
  readonly region: string;
  /** Sends to the failure queue. */
  readonly sqs: Engine;
  readonly target: Pick<FunctionProcess, 'invoke'>;
  /** Called before each batch with the age of its last record. */
  readonly measureAge?: (ageMs: number) => void;
  /** Ends all retries. */
  readonly signal: AbortSignal;
  report(what: string, error: unknown): void;
  log(line: string): void;
}

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5000;

/**
 * Passes stream records to a function, one batch at a time. A failed record is retried with all after it until it
 * succeeds, is too old, or reaches the retry limit.
 */
export class StreamHandOver {
  readonly #options: StreamHandOverOptions;

  constructor(options: StreamHandOverOptions) {
    this.#options = options;
  }

  /** Returns once every record has succeeded or was discarded. */
  async all(batch: readonly HandedOverRecord[], shardId: string): Promise<void> {
    const { source, signal } = this.#options;
    let records = this.#youngEnough(batch, shardId);
    for (let tries = 0; records.length > 0 && !signal.aborted; ) {
      const failedAt = await this.#invoke(records);
      if (failedAt === undefined) return;
      if (failedAt === 'all' && source.bisects && records.length > 1) {
        const middle = Math.ceil(records.length / 2);
        await pause(FIRST_PAUSE_MS, signal);
        await this.all(records.slice(0, middle), shardId);
        records = this.#youngEnough(records.slice(middle), shardId);
        continue;
      }
      const from = failedAt === 'all' ? 0 : failedAt;
      tries = from > 0 ? 1 : tries + 1;
      records = records.slice(from);
      if (tries > source.maxRetries) return this.#giveUp(records, shardId, 'RetryAttemptsExhausted');
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), MAX_PAUSE_MS), signal);
      records = this.#youngEnough(records, shardId);
    }
  }

  /** Returns the index of the first record to retry; `all` if the invocation failed. */
  async #invoke(records: readonly HandedOverRecord[]): Promise<number | 'all' | undefined> {
    const { source, region, target, measureAge } = this.#options;
    const last = records.at(-1);
    if (last) measureAge?.(Date.now() - last.dynamodb.ApproximateCreationDateTime * 1000);
    const common = {
      eventSource: 'aws:dynamodb',
      eventVersion: '1.1',
      awsRegion: region,
      eventSourceARN: source.streamArn,
    };
    const outcome = await target.invoke(
      JSON.stringify({ Records: records.map((record) => ({ ...record, ...common })) }),
    );
    if (!outcome.ok) {
      this.#options.report('batch', outcome.error);
      return 'all';
    }
    if (!source.reportsFailures) return undefined;
    const positions = records.map(positionOf);
    const failed = failedMessages(outcome.payload, positions);
    const first = positions.findIndex((position) => failed.has(position));
    return first === -1 ? undefined : first;
  }

  /** Returns the records without the expired ones, which come first. */
  #youngEnough(records: readonly HandedOverRecord[], shardId: string): readonly HandedOverRecord[] {
    const oldestSeconds = Date.now() / 1000 - this.#options.source.longestAgeSeconds;
    const young = records.filter(({ dynamodb }) => dynamodb.ApproximateCreationDateTime >= oldestSeconds);
    if (young.length < records.length) {
      const old = records.filter((record) => !young.includes(record));
      this.#giveUp(old, shardId, 'RecordAgeExceeded');
    }
    return young;
  }

  /** Reports the position of discarded records, not their content, as Lambda does. */
  #giveUp(records: readonly HandedOverRecord[], shardId: string, condition: string): void {
    const { source, sqs } = this.#options;
    const positions = records.map(positionOf);
    this.#options.log(`gave up ${records.length} records: ${condition}`);
    if (source.onFailureUrl === undefined) return;
    const MessageBody = JSON.stringify({
      requestContext: { functionArn: source.functionId, condition },
      version: '1.0',
      timestamp: new Date().toISOString(),
      DDBStreamBatchInfo: {
        shardId,
        startSequenceNumber: positions[0],
        endSequenceNumber: positions.at(-1),
        batchSize: records.length,
        streamArn: source.streamArn,
      },
    });
    void request(sqs, 'SendMessage', { QueueUrl: source.onFailureUrl, MessageBody }).catch((error) =>
      this.#options.report('on-failure', error),
    );
  }
}

const positionOf = ({ dynamodb }: HandedOverRecord) => dynamodb.SequenceNumber;
