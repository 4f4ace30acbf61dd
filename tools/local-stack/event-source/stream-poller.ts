import { type Engine, request } from '../engines/engine.ts';
import { matches } from './pattern.ts';
import { pause } from './pause.ts';
import { type HandedOverRecord, StreamHandOver, type StreamHandOverOptions } from './stream-hand-over.ts';

interface StreamPollerOptions extends Omit<StreamHandOverOptions, 'signal' | 'report'> {
  /** Streams of the tables. Lambda's stream reads are not billed, so they bypass the functions' endpoint. */
  readonly streams: Engine;
  readonly dynamodb: Engine;
}

interface Shard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
}

/** Lambda's polling interval. */
const POLL_MS = 250;
const DISCOVER_MS = 5000;
const MAX_RECORDS_PER_READ = 1000;

/** Reads a table's stream and passes records to a function as Lambda's poller does: in order within each shard. */
export class StreamPoller {
  readonly #options: StreamPollerOptions;
  readonly #stop = new AbortController();
  readonly #begun = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #handOver: StreamHandOver;

  constructor(options: StreamPollerOptions) {
    this.#options = options;
    const { signal } = this.#stop;
    this.#handOver = new StreamHandOver({ ...options, signal, report: (what, error) => this.#report(what, error) });
    void this.#followShards();
  }

  /** Stops reading records. */
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
          // Records of a parent shard come before those of its children.
          const waits = listed.has(ParentShardId) && !this.#ended.has(ParentShardId);
          if (waits || this.#begun.has(ShardId)) continue;
          this.#begun.add(ShardId);
          void this.#followShard(streamArn, ShardId);
        }
      } catch (error) {
        this.#report('shards', error);
      }
      await pause(DISCOVER_MS, this.#stop.signal);
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
    let batch: HandedOverRecord[] = [];
    let handOverMs = 0;
    while (!this.#stopping) {
      try {
        iterator ??= await this.#iterator({ StreamArn, ShardId }, last);
        const { Records = [], NextShardIterator } = await request<{
          Records?: HandedOverRecord[];
          NextShardIterator?: string;
        }>(streams, 'GetRecords', { ShardIterator: iterator, Limit: MAX_RECORDS_PER_READ });
        const isQuiet = Records.length === 0;
        last = Records.at(-1)?.dynamodb.SequenceNumber ?? last;
        iterator = NextShardIterator;
        if (batch.length === 0) handOverMs = performance.now() + source.windowSeconds * 1000;
        batch.push(...Records.filter((record) => this.#isWanted(record)).map(toTheSecond));
        const isOver = NextShardIterator === undefined;
        while (batch.length >= source.batchSize) await this.#handOver.all(batch.splice(0, source.batchSize), ShardId);
        if (batch.length > 0 && (isOver || performance.now() >= handOverMs)) {
          await this.#handOver.all(batch, ShardId);
          batch = [];
        }
        if (isOver) break;
        if (isQuiet) await pause(POLL_MS, this.#stop.signal);
      } catch (error) {
        // For example, an expired iterator.
        iterator = undefined;
        this.#report('read', error);
        await pause(POLL_MS, this.#stop.signal);
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

  #isWanted(record: HandedOverRecord): boolean {
    const { filters } = this.#options.source;
    return filters.length === 0 || filters.some((pattern) => matches(pattern, record));
  }

  get #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Errors during shutdown are expected. */
  #report(what: string, error: unknown): void {
    if (!this.#stopping) this.#options.log(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * DynamoDB Local rounds change times to the minute, AWS to the second: within that minute, uses the time of reading.
 */
function toTheSecond(record: HandedOverRecord): HandedOverRecord {
  const { ApproximateCreationDateTime: minute, ...rest } = record.dynamodb;
  if (minute % 60 !== 0) return record;
  const second = Math.min(Math.floor(Date.now() / 1000), minute + 59);
  return { ...record, dynamodb: { ...rest, ApproximateCreationDateTime: second } };
}
