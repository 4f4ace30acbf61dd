import { functionIdOf, resourcesOfType } from '../template/resources.ts';
import { propertiesOf, type Stack } from '../template/stack.ts';

/** A queue whose messages go to a function. */
export interface QueueSource {
  readonly queueArn: string;
  readonly queueUrl: string;
  readonly functionId: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maxConcurrency: number;
  readonly reportsFailures: boolean;
}

interface Properties {
  readonly EventSourceArn?: string;
  readonly FunctionName: string;
  readonly BatchSize?: number;
  readonly MaximumBatchingWindowInSeconds?: number;
  readonly ScalingConfig?: { readonly MaximumConcurrency?: number };
  readonly FunctionResponseTypes?: readonly string[];
  readonly FilterCriteria?: unknown;
}

/** Lambda's initial number of pollers if the template sets no maximum; AWS would add more. */
const INITIAL_CONCURRENCY = 5;

export function readQueueSources(stack: Stack): QueueSource[] {
  const queueUrls = new Map(
    resourcesOfType(stack.template, 'AWS::SQS::Queue').map(([id]) => [
      stack.resolve({ 'Fn::GetAtt': [id, 'Arn'] }, id),
      String(stack.resolve({ Ref: id }, id)),
    ]),
  );
  return resourcesOfType(stack.template, 'AWS::Lambda::EventSourceMapping').flatMap(([id, resource]) => {
    const properties = propertiesOf<Properties>(stack, id, resource);
    const { EventSourceArn: queueArn = '', FunctionName, FunctionResponseTypes = [] } = properties;
    // The stream of a table.
    if (queueArn.startsWith('arn:aws:dynamodb:')) return [];
    const queueUrl = queueUrls.get(queueArn);
    if (queueUrl === undefined) throw new Error(`the local stack does not know the event source ${queueArn} (${id})`);
    if (properties.FilterCriteria) throw new Error(`the local stack does not know filters of event sources (${id})`);
    return [
      {
        queueArn,
        queueUrl,
        functionId: functionIdOf(FunctionName),
        batchSize: properties.BatchSize ?? 10,
        windowSeconds: properties.MaximumBatchingWindowInSeconds ?? 0,
        maxConcurrency: properties.ScalingConfig?.MaximumConcurrency ?? INITIAL_CONCURRENCY,
        reportsFailures: FunctionResponseTypes.includes('ReportBatchItemFailures'),
      },
    ];
  });
}
