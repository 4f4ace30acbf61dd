import { Duration, Stack } from 'aws-cdk-lib';
import type { HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { INDEXES, METRICS, PROVIDER_METRICS } from '../../../lambdas/contract.ts';

/** Depth and age are gauges and take `Maximum`, or `Minimum` where they must stay high; counts take `Sum`. */
type Statistic = 'Maximum' | 'Minimum' | 'Sum' | 'p99';

/** Namespace of the access log's metric filters. */
export const accessNamespace = (scope: Construct) => `${METRICS.namespace}/${Stack.of(scope).stackName}`;

/** The metrics of one environment, each with its statistic and period. */
export class LedgerMetrics {
  readonly #scope: Construct;

  constructor(scope: Construct) {
    this.#scope = scope;
  }

  /** Written by a function; `reason` is that of a refusal. */
  own(metricName: string, statistic: Statistic, periodSeconds: number, reason?: string): Metric {
    return metric(METRICS.namespace, metricName, statistic, periodSeconds, {
      [METRICS.dimension]: Stack.of(this.#scope).stackName,
      ...(reason !== undefined && { [METRICS.reasonDimension]: reason }),
    });
  }

  /** Returns a metric that reconcile writes for each mailbox provider. */
  provider(metricName: string, provider: string, periodSeconds: number): Metric {
    return metric(METRICS.namespace, metricName, 'Maximum', periodSeconds, {
      [METRICS.dimension]: Stack.of(this.#scope).stackName,
      [PROVIDER_METRICS.dimension]: provider,
    });
  }

  /** Returns a metric counted in the webhook API's access log. */
  access(metricName: string, periodSeconds: number): Metric {
    return metric(accessNamespace(this.#scope), metricName, 'Sum', periodSeconds);
  }

  api(metricName: '4xx' | '5xx' | 'Latency', stage: HttpStage, statistic: Statistic, periodSeconds: number): Metric {
    const dimensions = { ApiId: stage.api.apiId, Stage: stage.stageName };
    return metric('AWS/ApiGateway', metricName, statistic, periodSeconds, dimensions);
  }

  queue(
    metricName:
      | 'ApproximateNumberOfMessagesVisible'
      | 'ApproximateNumberOfMessagesNotVisible'
      | 'ApproximateAgeOfOldestMessage',
    queue: IQueue,
    periodSeconds: number,
  ): Metric {
    return metric('AWS/SQS', metricName, 'Maximum', periodSeconds, { QueueName: queue.queueName });
  }

  /** Returns the messages of a queue, those hidden while someone reads them included. */
  held(queue: IQueue, periodSeconds: number): MathExpression {
    const metrics = {
      visible: this.queue('ApproximateNumberOfMessagesVisible', queue, periodSeconds),
      hidden: this.queue('ApproximateNumberOfMessagesNotVisible', queue, periodSeconds),
    };
    return this.math('messages, those being read included', 'visible + hidden', metrics, periodSeconds);
  }

  function(metricName: 'Errors' | 'IteratorAge', of: IFunction, statistic: Statistic, periodSeconds: number): Metric {
    return metric('AWS/Lambda', metricName, statistic, periodSeconds, { FunctionName: of.functionName });
  }

  table(
    metricName: 'ReadThrottleEvents' | 'WriteThrottleEvents' | 'SystemErrors',
    table: Table,
    periodSeconds: number,
    operation?: string,
  ): Metric {
    const dimensions = { TableName: table.tableName, ...(operation !== undefined && { Operation: operation }) };
    return metric('AWS/DynamoDB', metricName, 'Sum', periodSeconds, dimensions);
  }

  /** An index counts its own throttles: those of the table do not contain them. */
  index(
    metricName: 'ReadThrottleEvents' | 'WriteThrottleEvents',
    table: Table,
    indexName: string,
    periodSeconds: number,
  ): Metric {
    const dimensions = { TableName: table.tableName, GlobalSecondaryIndexName: indexName };
    return metric('AWS/DynamoDB', metricName, 'Sum', periodSeconds, dimensions);
  }

  /** Returns the throttles of the table and of each index, by the ids of an expression. */
  throttled(table: Table, periodSeconds: number): Record<string, Metric> {
    const entries = Object.values(INDEXES).flatMap(({ name }) => [
      [`${name}Reads`, this.index('ReadThrottleEvents', table, name, periodSeconds)] as const,
      [`${name}Writes`, this.index('WriteThrottleEvents', table, name, periodSeconds)] as const,
    ]);
    return {
      reads: this.table('ReadThrottleEvents', table, periodSeconds),
      writes: this.table('WriteThrottleEvents', table, periodSeconds),
      ...Object.fromEntries(entries),
    };
  }

  /** Returns the sum of metrics of one period, in which a missing value is 0. */
  sum(label: string, metrics: Record<string, IMetric>, periodSeconds: number): MathExpression {
    const filled = Object.keys(metrics).map((id) => `FILL(${id}, 0)`);
    return this.math(label, filled.join(' + '), metrics, periodSeconds);
  }

  /** Returns an expression over several metrics of one period. */
  math(label: string, expression: string, metrics: Record<string, IMetric>, periodSeconds: number): MathExpression {
    return new MathExpression({ label, expression, usingMetrics: metrics, period: Duration.seconds(periodSeconds) });
  }
}

function metric(
  namespace: string,
  metricName: string,
  statistic: Statistic,
  periodSeconds: number,
  dimensionsMap: Record<string, string> = {},
): Metric {
  return new Metric({ namespace, metricName, statistic, period: Duration.seconds(periodSeconds), dimensionsMap });
}
