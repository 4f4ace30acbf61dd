import { HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { ACCESS_METRICS, ROUTES } from '../../lambdas/contract.ts';
import type { Config } from '../config/config.ts';
import { HttpEndpoint } from './http-endpoint.ts';
import { accessNamespace } from './monitoring/ledger-metrics.ts';

/** The HTTP API for Mailgun. Without CORS: no browser calls it. */
export class WebhookApi extends Construct {
  readonly endpoint: HttpEndpoint;
  /** The whole URL to register at Mailgun. */
  readonly url: string;

  constructor(scope: Construct, id: string, { config, ingest }: { config: Config; ingest: IFunction }) {
    super(scope, id);
    const { webhookPathSegment } = config;
    const path = webhookPathSegment === undefined ? ROUTES.webhook : `${ROUTES.webhook}/${webhookPathSegment}`;
    this.endpoint = new HttpEndpoint(this, 'Http', {
      name: 'webhooks',
      handler: ingest,
      method: HttpMethod.POST,
      path,
      throttle: config.throttle.webhook,
      logRetentionDays: config.retentionDays.logs,
      customDomain: config.customDomain.webhook,
    });
    this.url = this.endpoint.baseUrl + path;
    this.countInLog('Acknowledged', ACCESS_METRICS.acknowledged, 200);
    this.countInLog('Throttled', ACCESS_METRICS.throttled, 429);
  }

  /** HTTP APIs have neither metric, and functions do not see throttled requests. */
  private countInLog(id: string, metricName: string, status: number): void {
    new MetricFilter(this, id, {
      logGroup: this.endpoint.logGroup,
      filterPattern: FilterPattern.numberValue('$.status', '=', status),
      metricNamespace: accessNamespace(this),
      metricName,
      metricValue: '1',
    });
  }
}
