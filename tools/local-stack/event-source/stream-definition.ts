import { functionIdOf, resourcesOfType } from '../template/resources.ts';
import { propertiesOf, type Stack } from '../template/stack.ts';
import { type Pattern, requireKnownPattern } from './pattern.ts';

/** A table's stream whose records go to a function. */
export interface StreamSource {
  readonly tableName: string;
  readonly streamArn: string;
  readonly functionId: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  /** A record is passed on if one filter matches; without filters all are. */
  readonly filters: readonly Pattern[];
  readonly bisects: boolean;
  readonly reportsFailures: boolean;
  /** Infinity: retries until success. */
  readonly maxRetries: number;
  readonly longestAgeSeconds: number;
  /** Queue for discarded records. */
  readonly onFailureUrl: string | undefined;
}

interface Properties {
  readonly EventSourceArn?: string;
  readonly FunctionName: string;
  readonly StartingPosition?: string;
  readonly BatchSize?: number;
  readonly MaximumBatchingWindowInSeconds?: number;
  readonly ParallelizationFactor?: number;
  readonly TumblingWindowInSeconds?: number;
  readonly BisectBatchOnFunctionError?: boolean;
  readonly MaximumRetryAttempts?: number;
  readonly MaximumRecordAgeInSeconds?: number;
  readonly FunctionResponseTypes?: readonly string[];
  readonly FilterCriteria?: { readonly Filters?: readonly { readonly Pattern: string }[] };
  readonly DestinationConfig?: { readonly OnFailure?: { readonly Destination: string } };
}

export function readStreamSources(stack: Stack): StreamSource[] {
  const urlOfQueue = attributesOf(stack, 'AWS::SQS::Queue', 'Arn');
  const nameOfTable = attributesOf(stack, 'AWS::DynamoDB::Table', 'StreamArn');
  return resourcesOfType(stack.template, 'AWS::Lambda::EventSourceMapping').flatMap(([id, resource]) => {
    const properties = propertiesOf<Properties>(stack, id, resource);
    const { EventSourceArn: streamArn = '', FunctionResponseTypes = [], DestinationConfig } = properties;
    const tableName = nameOfTable.get(streamArn);
    if (tableName === undefined) return [];
    if (properties.StartingPosition !== 'TRIM_HORIZON') throw unknown('starting position', id);
    if ((properties.ParallelizationFactor ?? 1) > 1) throw unknown('parallelization factor', id);
    if (properties.TumblingWindowInSeconds) throw unknown('tumbling window', id);
    const destination = DestinationConfig?.OnFailure?.Destination;
    const onFailureUrl = destination === undefined ? undefined : urlOfQueue.get(destination);
    if (destination !== onFailureUrl && onFailureUrl === undefined) throw unknown('destination', id);
    return [
      {
        tableName,
        streamArn,
        functionId: functionIdOf(properties.FunctionName),
        batchSize: properties.BatchSize ?? 100,
        windowSeconds: properties.MaximumBatchingWindowInSeconds ?? 0,
        filters: (properties.FilterCriteria?.Filters ?? []).map(({ Pattern }) => parsePattern(Pattern, id)),
        bisects: properties.BisectBatchOnFunctionError ?? false,
        reportsFailures: FunctionResponseTypes.includes('ReportBatchItemFailures'),
        maxRetries: unlessEndless(properties.MaximumRetryAttempts),
        longestAgeSeconds: unlessEndless(properties.MaximumRecordAgeInSeconds),
        onFailureUrl,
      },
    ];
  });
}

/** Returns another attribute of each resource of a type, by its `Ref`. */
function attributesOf(stack: Stack, type: string, attribute: string): Map<unknown, string> {
  return new Map(
    resourcesOfType(stack.template, type)
      .filter(([, { Properties }]) => type !== 'AWS::DynamoDB::Table' || Properties?.StreamSpecification !== undefined)
      .map(([id]) => [stack.resolve({ 'Fn::GetAtt': [id, attribute] }, id), String(stack.resolve({ Ref: id }, id))]),
  );
}

function parsePattern(text: string, id: string): Pattern {
  const pattern: unknown = JSON.parse(text);
  requireKnownPattern(pattern, id);
  return pattern;
}

/** AWS writes -1 for no limit. */
const unlessEndless = (limit: number | undefined) =>
  limit === undefined || limit === -1 ? Number.POSITIVE_INFINITY : limit;

const unknown = (what: string, id: string) => new Error(`the local stack does not know the ${what} of ${id}`);
