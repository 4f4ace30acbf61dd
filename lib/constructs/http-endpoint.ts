import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { DomainName, HttpApi, type HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface HttpEndpointProps {
  /** Tells the APIs apart in the console; not an identity, so it may change. */
  readonly name: string;
  readonly handler: IFunction;
  readonly method: HttpMethod;
  readonly path: string;
  /** Keeps the route out of the access log. */
  readonly pathIsSecret: boolean;
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number };
  readonly logRetentionDays: number;
  readonly customDomain?: { readonly name: string; readonly certificateArn: string } | undefined;
}

/** An HTTP API of one route to one function, with throttling and an access log that names no person. */
export class HttpEndpoint extends Construct {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly logGroup: LogGroup;
  /** Where clients reach it, without a slash at the end. */
  readonly baseUrl: string;
  /** What a CNAME of the custom domain must point at. */
  readonly domainTarget: string | undefined;

  constructor(scope: Construct, id: string, props: HttpEndpointProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.api = new HttpApi(this, 'Api', {
      apiName: `${Stack.of(this).stackName}-${props.name}`,
      createDefaultStage: false,
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
        format: accessLogFormat(props.pathIsSecret),
      },
      ...(domainName && { domainMapping: { domainName } }),
    });
    this.domainTarget = domainName?.regionalDomainName;
    this.baseUrl = props.customDomain ? `https://${props.customDomain.name}` : this.api.apiEndpoint;
  }
}

/** Neither path nor address of the caller: paths name recipients. */
function accessLogFormat(withoutRoute: boolean): AccessLogFormat {
  const fields = {
    requestId: '$context.requestId',
    time: '$context.requestTimeEpoch',
    ...(withoutRoute ? {} : { routeKey: '$context.routeKey' }),
    status: '$context.status',
    latencyMs: '$context.responseLatency',
    integrationLatencyMs: '$context.integrationLatency',
    responseLength: '$context.responseLength',
    integrationError: '$context.integrationErrorMessage',
  };
  // A number, since metric filters compare it as one.
  return AccessLogFormat.custom(JSON.stringify(fields).replace('"$context.status"', '$context.status'));
}
