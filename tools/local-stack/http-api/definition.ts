import { functionIdOf, resourcesOfType, shortName } from '../template/resources.ts';
import { propertiesOf, type Stack } from '../template/stack.ts';
import { parseRoute, type Route } from './routes.ts';

interface Throttle {
  readonly ratePerSecond: number;
  readonly burst: number;
}

export interface Integration {
  /** Logical id. */
  readonly functionId: string;
  readonly timeoutMs: number;
}

/** An HTTP API of the template with everything that belongs to it. */
export interface HttpApiDefinition {
  readonly id: string;
  readonly name: string;
  readonly routes: readonly Route<Integration>[];
  readonly throttle: Throttle;
  readonly accessLogFormat: string | undefined;
  /** Logical id of the access log's log group. */
  readonly accessLogGroupId: string | undefined;
}

/** Account limit, used if a stage sets none. */
const ACCOUNT_THROTTLE: Throttle = { ratePerSecond: 10_000, burst: 5_000 };
const MAX_INTEGRATION_MS = 30_000;

export function readHttpApis(stack: Stack): HttpApiDefinition[] {
  const belonging = (type: string, apiId: string) =>
    resourcesOfType(stack.template, type)
      .map(([id, resource]) => ({ id, ...propertiesOf<Omit<Belonging, 'id'>>(stack, id, resource) }))
      .filter(({ ApiId }) => ApiId === apiId);

  return resourcesOfType(stack.template, 'AWS::ApiGatewayV2::Api').map(([id, resource]) => {
    if (propertiesOf(stack, id, resource).CorsConfiguration) throw unknown(id, 'CORS of the gateway');
    const integrations = new Map(
      belonging('AWS::ApiGatewayV2::Integration', id).map((integration) => [
        `integrations/${integration.id}`,
        readIntegration(integration),
      ]),
    );
    const routes = belonging('AWS::ApiGatewayV2::Route', id).map((route) => {
      if ((route.AuthorizationType ?? 'NONE') !== 'NONE') throw unknown(route.id, 'authorizers');
      const integration = integrations.get(String(route.Target));
      if (!integration) throw new Error(`the route ${route.RouteKey} (${route.id}) has no integration`);
      return parseRoute(String(route.RouteKey), integration);
    });
    const [stage] = belonging('AWS::ApiGatewayV2::Stage', id);
    if (stage?.StageName !== '$default') throw unknown(id, 'stages other than $default');
    if (stage.RouteSettings) throw unknown(stage.id, 'settings of single routes');
    const { ThrottlingRateLimit, ThrottlingBurstLimit } = stage.DefaultRouteSettings ?? {};
    return {
      id,
      name: shortName(id, resource),
      routes,
      throttle: {
        ratePerSecond: ThrottlingRateLimit ?? ACCOUNT_THROTTLE.ratePerSecond,
        burst: ThrottlingBurstLimit ?? ACCOUNT_THROTTLE.burst,
      },
      accessLogFormat: stage.AccessLogSettings?.Format,
      accessLogGroupId: stage.AccessLogSettings?.DestinationArn?.split(':').at(-1),
    };
  });
}

/** Returns the logical ids of the log groups for access logs. */
export function accessLogGroupsOf(stack: Stack): Set<string> {
  return new Set(readHttpApis(stack).flatMap(({ accessLogGroupId }) => accessLogGroupId ?? []));
}

interface Belonging {
  readonly id: string;
  readonly ApiId?: unknown;
  readonly IntegrationType?: unknown;
  readonly IntegrationUri?: unknown;
  readonly PayloadFormatVersion?: unknown;
  readonly TimeoutInMillis?: number;
  readonly AuthorizationType?: string;
  readonly RouteKey?: unknown;
  readonly Target?: unknown;
  readonly StageName?: unknown;
  readonly RouteSettings?: unknown;
  readonly DefaultRouteSettings?: { readonly ThrottlingRateLimit?: number; readonly ThrottlingBurstLimit?: number };
  readonly AccessLogSettings?: { readonly Format?: string; readonly DestinationArn?: string };
}

function readIntegration({ id, ...properties }: Belonging): Integration {
  if (properties.IntegrationType !== 'AWS_PROXY' || properties.PayloadFormatVersion !== '2.0') {
    throw unknown(id, 'integrations other than a function with payload format 2.0');
  }
  return {
    functionId: functionIdOf(String(properties.IntegrationUri)),
    timeoutMs: properties.TimeoutInMillis ?? MAX_INTEGRATION_MS,
  };
}

function unknown(id: string, what: string): Error {
  return new Error(`the local stack does not know ${what} (${id})`);
}
