import type { EngineReply } from '../engines/engine.ts';
import type { Measure } from './metric.ts';

/** Metrics that AWS services publish, and the local stack in their place, with their sets of dimensions. */
export const IMPLIED_METRICS: Readonly<Record<string, Readonly<Record<string, readonly (readonly string[])[]>>>> = {
  'AWS/SQS': {
    ApproximateNumberOfMessagesVisible: [['QueueName']],
    ApproximateNumberOfMessagesNotVisible: [['QueueName']],
    ApproximateAgeOfOldestMessage: [['QueueName']],
  },
  'AWS/Lambda': {
    Errors: [['FunctionName']],
    Throttles: [['FunctionName']],
    Invocations: [['FunctionName']],
    // For functions that read a stream.
    IteratorAge: [['FunctionName']],
  },
  'AWS/ApiGateway': {
    '4xx': [['ApiId'], ['ApiId', 'Stage']],
    '5xx': [['ApiId'], ['ApiId', 'Stage']],
    Count: [['ApiId'], ['ApiId', 'Stage']],
    Latency: [['ApiId'], ['ApiId', 'Stage']],
  },
  'AWS/DynamoDB': {
    // Indexes count their own throttles, including those of writes to the table.
    ReadThrottleEvents: [['TableName'], ['TableName', 'GlobalSecondaryIndexName']],
    WriteThrottleEvents: [['TableName'], ['TableName', 'GlobalSecondaryIndexName']],
    SystemErrors: [['TableName', 'Operation']],
  },
};

/** Records Lambda's metrics for one invocation. */
export function measureInvocation(functionId: string, failed: boolean, measure: Measure): void {
  const dimensions = { FunctionName: functionId };
  const report = (name: string, value: number) => measure({ namespace: 'AWS/Lambda', name, dimensions }, value);
  report('Invocations', 1);
  report('Errors', failed ? 1 : 0);
  report('Throttles', 0);
}

/** Records Lambda's metric for a stream batch before it is handed over. */
export function measureIteratorAge(functionId: string, ageMs: number, measure: Measure): void {
  measure({ namespace: 'AWS/Lambda', name: 'IteratorAge', dimensions: { FunctionName: functionId } }, ageMs);
}

/** Records API Gateway's metrics for one request. */
export function measureRequest(apiId: string, status: number, latencyMs: number, measure: Measure): void {
  for (const dimensions of [{ ApiId: apiId }, { ApiId: apiId, Stage: '$default' }]) {
    const report = (name: string, value: number) => measure({ namespace: 'AWS/ApiGateway', name, dimensions }, value);
    report('Count', 1);
    report('Latency', latencyMs);
    report('4xx', status >= 400 && status < 500 ? 1 : 0);
    report('5xx', status >= 500 ? 1 : 0);
  }
}

const READS = new Set(['GetItem', 'BatchGetItem', 'TransactGetItems', 'Query', 'Scan']);
const THROTTLED = /(ThrottlingException|ProvisionedThroughputExceededException|RequestLimitExceeded)"/;

/** Records DynamoDB's metrics for a failed call; nothing for a successful one. */
export function measureTableCall(operation: string, input: Buffer, reply: EngineReply, measure: Measure): void {
  if (reply.status === 200) return;
  const report = (name: string, dimensions: Record<string, string>) =>
    measure({ namespace: 'AWS/DynamoDB', name, dimensions }, 1);
  const isThrottled = THROTTLED.test(reply.body.toString('utf8'));
  for (const TableName of tablesOf(input)) {
    if (reply.status >= 500) report('SystemErrors', { TableName, Operation: operation });
    else if (isThrottled) {
      const index = throttledIndex(input, reply);
      const resource = { TableName, ...(index !== undefined && { GlobalSecondaryIndexName: index }) };
      report(READS.has(operation) ? 'ReadThrottleEvents' : 'WriteThrottleEvents', resource);
    }
  }
}

function throttledIndex(input: Buffer, reply: EngineReply): string | undefined {
  const [reason] = JSON.parse(reply.body.toString('utf8')).ThrottlingReasons ?? [];
  return JSON.parse(input.toString('utf8')).IndexName ?? /\/index\/(.+)$/.exec(reason?.resource ?? '')?.[1];
}

function tablesOf(body: Buffer): string[] {
  const input = JSON.parse(body.toString('utf8'));
  if (typeof input.TableName === 'string') return [input.TableName];
  const items: Record<string, { TableName: string }>[] = input.TransactItems ?? [];
  const names = [
    ...Object.keys(input.RequestItems ?? {}),
    ...items.flatMap((item) => Object.values(item).map(({ TableName }) => TableName)),
  ];
  return [...new Set(names)];
}
