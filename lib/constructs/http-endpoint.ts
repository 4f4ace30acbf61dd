import { Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { DomainName, HttpApi, type HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { stackPart } from './removal.ts';

interface HttpEndpointProps {
  /** Distinguishes the APIs in the console; not an identity, so it may change. */
  readonly name: string;
  readonly handler: IFunction;
  readonly method: HttpMethod;
  readonly path: string;
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number };
  readonly logRetentionDays: number;
  readonly customDomain?:
    | { readonly name: string; readonly certificateArn: string; readonly exclusive: boolean }
    | undefined;
}

/** An HTTP API of one route to one function, with throttling and an access log that names no person. */
export class HttpEndpoint extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly logGroup: LogGroup;
  /** URL for clients, without a slash at the end. */
  readonly baseUrl: string;
  /** The target for a CNAME of the custom domain. */
  readonly domainTarget: string | undefined;

  constructor(scope: Construct, id: string, props: HttpEndpointProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Logs', {
      // Log delivery adds any other name to one resource policy of the account, and once that is full no stage
      // with an access log can be created. Names below this prefix need no entry.
      logGroupName: `/aws/vendedlogs/${Names.uniqueResourceName(this, { maxLength: 200, separator: '-', allowedSpecialCharacters: '-' })}-${stackPart(this)}`,
      retention: props.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.api = new HttpApi(this, 'Api', {
      apiName: `${Stack.of(this).stackName}-${props.name}`,
      createDefaultStage: false,
      ...(props.customDomain?.exclusive && { disableExecuteApiEndpoint: true }),
    });
    this.api.addRoutes({
      path: props.path,
      methods: [props.method],
      integration: new HttpLambdaIntegration('Integration', props.handler),
    });
    const domainName =
      props.customDomain &&
      new DomainName(this, 'Domain', {
        domainName: props.customDomain.name,
        certificate: Certificate.fromCertificateArn(this, 'Certificate', props.customDomain.certificateArn),
      });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      autoDeploy: true,
      throttle: { rateLimit: props.throttle.ratePerSecond, burstLimit: props.throttle.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.logGroup),
        format: ACCESS_LOG_FORMAT,
      },
      ...(domainName && { domainMapping: { domainName } }),
    });
    this.domainTarget = domainName?.regionalDomainName;
    this.baseUrl = props.customDomain ? `https://${props.customDomain.name}` : this.api.apiEndpoint;
  }
}

/** Neither path nor address of the caller: paths name recipients. */
const FIELDS = {
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  routeKey: '$context.routeKey',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  integrationLatencyMs: '$context.integrationLatency',
  responseLength: '$context.responseLength',
  integrationError: '$context.integrationErrorMessage',
};
// The status is a number, since metric filters compare it as one.
const ACCESS_LOG_FORMAT = AccessLogFormat.custom(
  JSON.stringify(FIELDS).replace('"$context.status"', '$context.status'),
);
