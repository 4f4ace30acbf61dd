import { setTimeout as sleep } from 'node:timers/promises';
import { type Engine, request } from '../engines/engine.ts';
import type { FunctionProcess } from '../function-process.ts';
import { failedMessages } from './batch-response.ts';
import { matches } from './pattern.ts';
import type { StreamSource } from './stream-definition.ts';

export interface StreamPollerOptions {
  readonly source: StreamSource;
  readonly region: string;
  /** The table's streams. What Lambda reads of them is not billed, so this is not the door of functions. */
  readonly streams: Engine;
  readonly dynamodb: Engine;
  readonly sqs: Engine;
  readonly target: Pick<FunctionProcess, 'invoke'>;
  /** Told before each batch how old its last record is. */
  readonly measureAge?: (ageMs: number) => void;
  log(line: string): void;
}

interface StreamRecord {
  readonly eventID: string;
  readonly eventName: string;
  readonly dynamodb: { readonly SequenceNumber: string; readonly ApproximateCreationDateTime: number };
}

interface Shard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
}

/** As often as Lambda looks. */
const POLL_MS = 250;
const DISCOVER_MS = 5000;
const MOST_PER_READ = 1000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

/**
 * Takes the records of a table's stream to a function as Lambda's own poller does: shard by shard in their order, one
 * batch at a time. What fails comes again with all after it, until it succeeds or is too old or too often tried.
 */
export class StreamPoller {
  readonly #options: StreamPollerOptions;
  readonly #stop = new AbortController();
  readonly #begun = new Set<string>();
  readonly #ended = new Set<string>();

  constructor(options: StreamPollerOptions) {
    this.#options = options;
    void this.#followShards();
  }

  /** Takes no more records. */
  stop(): void {
    this.#stop.abort();
  }

  async #followShards(): Promise<void> {
    while (!this.#stopping) {
      try {
        const streamArn = await this.#streamArn();
        const shards = await this.#shards(streamArn);
        const listed = new Set(shards.map(({ ShardId }) => ShardId));
        for (const { ShardId, ParentShardId = '' } of shards) {
          // A record of a parent is older than those of its children.
          const waits = listed.has(ParentShardId) && !this.#ended.has(ParentShardId);
          if (waits || this.#begun.has(ShardId)) continue;
          this.#begun.add(ShardId);
          void this.#followShard(streamArn, ShardId);
        }
      } catch (error) {
        this.#report('shards', error);
      }
      await this.#pause(DISCOVER_MS);
    }
  }

  async #streamArn(): Promise<string> {
    const { dynamodb, source } = this.#options;
    const { Table } = await request<{ Table: { LatestStreamArn: string } }>(dynamodb, 'DescribeTable', {
      TableName: source.tableName,
    });
    return Table.LatestStreamArn;
  }

  async #shards(StreamArn: string): Promise<Shard[]> {
    const shards: Shard[] = [];
    for (
      let ExclusiveStartShardId: string | undefined, isFirst = true;
      isFirst || ExclusiveStartShardId;
      isFirst = false
    ) {
      const { StreamDescription } = await request<{
        StreamDescription: { Shards: Shard[]; LastEvaluatedShardId?: string };
      }>(this.#options.streams, 'DescribeStream', { StreamArn, ExclusiveStartShardId });
      shards.push(...StreamDescription.Shards);
      ExclusiveStartShardId = StreamDescription.LastEvaluatedShardId;
    }
    return shards;
  }

  async #followShard(StreamArn: string, ShardId: string): Promise<void> {
    const { source, streams } = this.#options;
    let last: string | undefined;
    let iterator: string | undefined;
    let batch: StreamRecord[] = [];
    let handOverMs = 0;
    while (!this.#stopping) {
      try {
        iterator ??= await this.#iterator({ StreamArn, ShardId }, last);
        const { Records = [], NextShardIterator } = await request<{
          Records?: StreamRecord[];
          NextShardIterator?: string;
        }>(streams, 'GetRecords', { ShardIterator: iterator, Limit: MOST_PER_READ });
        const isQuiet = Records.length === 0;
        last = Records.at(-1)?.dynamodb.SequenceNumber ?? last;
        iterator = NextShardIterator;
        if (batch.length === 0) handOverMs = performance.now() + source.windowSeconds * 1000;
        batch.push(...Records.filter((record) => this.#isWanted(record)).map(toTheSecond));
        const isOver = NextShardIterator === undefined;
        while (batch.length >= source.batchSize) await this.#handOver(batch.splice(0, source.batchSize), ShardId);
        if (batch.length > 0 && (isOver || performance.now() >= handOverMs)) {
          await this.#handOver(batch, ShardId);
          batch = [];
        }
        if (isOver) break;
        if (isQuiet) await this.#pause(POLL_MS);
      } catch (error) {
        // An iterator that was kept for too long, for one.
        iterator = undefined;
        this.#report('read', error);
        await this.#pause(POLL_MS);
      }
    }
    this.#ended.add(ShardId);
  }

  async #iterator(shard: object, last: string | undefined): Promise<string> {
    const start =
      last === undefined
        ? { ShardIteratorType: 'TRIM_HORIZON' }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: last };
    const input = { ...shard, ...start };
    return (await request<{ ShardIterator: string }>(this.#options.streams, 'GetShardIterator', input)).ShardIterator;
  }

  #isWanted(record: StreamRecord): boolean {
    const { filters } = this.#options.source;
    return filters.length === 0 || filters.some((pattern) => matches(pattern, record));
  }

  /** Returns once every record has been taken or given up. */
  async #handOver(batch: readonly StreamRecord[], shardId: string): Promise<void> {
    const { source } = this.#options;
    let records = this.#youngEnough(batch, shardId);
    for (let tries = 0; records.length > 0 && !this.#stopping; ) {
      const failedAt = await this.#invoke(records);
      if (failedAt === undefined) return;
      if (failedAt === 'all' && source.bisects && records.length > 1) {
        const middle = Math.ceil(records.length / 2);
        await this.#pause(FIRST_PAUSE_MS);
        await this.#handOver(records.slice(0, middle), shardId);
        records = this.#youngEnough(records.slice(middle), shardId);
        continue;
      }
      const from = failedAt === 'all' ? 0 : failedAt;
      tries = from > 0 ? 1 : tries + 1;
      records = records.slice(from);
      if (tries > source.mostRetries) return this.#giveUp(records, shardId, 'RetryAttemptsExhausted');
      await this.#pause(Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS));
      records = this.#youngEnough(records, shardId);
    }
  }

  /** Index of the first record that is to come again; `all` where the function failed as a whole. */
  async #invoke(records: readonly StreamRecord[]): Promise<number | 'all' | undefined> {
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
      this.#report('batch', outcome.error);
      return 'all';
    }
    if (!source.reportsFailures) return undefined;
    const positions = records.map(positionOf);
    const failed = failedMessages(outcome.payload, positions);
    const first = positions.findIndex((position) => failed.has(position));
    return first === -1 ? undefined : first;
  }

  /** The records without those that are too old; they are the first. */
  #youngEnough(records: readonly StreamRecord[], shardId: string): readonly StreamRecord[] {
    const oldestSeconds = Date.now() / 1000 - this.#options.source.longestAgeSeconds;
    const young = records.filter(({ dynamodb }) => dynamodb.ApproximateCreationDateTime >= oldestSeconds);
    if (young.length < records.length) {
      const old = records.filter((record) => !young.includes(record));
      this.#giveUp(old, shardId, 'RecordAgeExceeded');
    }
    return young;
  }

  /** As Lambda does, it tells where the records are and not what they hold. */
  #giveUp(records: readonly StreamRecord[], shardId: string, condition: string): void {
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
      this.#report('on-failure', error),
    );
  }

  get #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  #pause(ms: number): Promise<unknown> {
    return sleep(ms, undefined, { ref: false, signal: this.#stop.signal }).catch(() => {});
  }

  /** What fails because everything is ending is no news. */
  #report(what: string, error: unknown): void {
    if (!this.#stopping) this.#options.log(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const positionOf = ({ dynamodb }: StreamRecord) => dynamodb.SequenceNumber;

/** DynamoDB Local tells the minute of a change, AWS its second: within that minute it is the time of reading. */
function toTheSecond(record: StreamRecord): StreamRecord {
  const { ApproximateCreationDateTime: minute, ...rest } = record.dynamodb;
  if (minute % 60 !== 0) return record;
  const second = Math.min(Math.floor(Date.now() / 1000), minute + 59);
  return { ...record, dynamodb: { ...rest, ApproximateCreationDateTime: second } };
}
