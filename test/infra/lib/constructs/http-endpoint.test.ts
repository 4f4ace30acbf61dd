import { Synthesized } from '../../../support/stacks/synthesized.ts';

const prod = new Synthesized('prod');
const SEGMENT = 'a-segment-of-the-path';
const CERTIFICATE = 'arn:aws:acm:eu-west-1:333333333333:certificate/1f0c9a52-8f3e-4a44-9d55-0a6f5a2f7c11';
const custom = new Synthesized('prod', {
  webhookPathSegment: SEGMENT,
  customDomain: {
    webhook: { name: 'hooks.mailgun-ledger.internal', certificateArn: CERTIFICATE },
    read: { name: 'api.mailgun-ledger.internal', certificateArn: CERTIFICATE },
  },
});

const WEBHOOK_API = 'WebhookApiHttpApi972241B7';
const READ_API = 'ReadApiHttpApi5E49EAA9';

const routesOf = (stack: Synthesized, apiId: string) =>
  stack
    .ofType('AWS::ApiGatewayV2::Route')
    .filter(({ Properties }) => Properties.ApiId.Ref === apiId)
    .map(({ Properties }) => Properties.RouteKey);
const stageOf = (stack: Synthesized, apiId: string) =>
  stack.ofType('AWS::ApiGatewayV2::Stage').find(({ Properties }) => Properties.ApiId.Ref === apiId)!.Properties;

test('the webhook API has one route, a POST', () => {
  expect(routesOf(prod, WEBHOOK_API)).toEqual(['POST /webhooks/mailgun']);
});

test('the read API sends all requests to its function, which responds to preflights itself', () => {
  expect(routesOf(prod, READ_API)).toEqual(['ANY /mailgun/{proxy+}']);
});

test('neither gateway adds CORS headers', () => {
  const cors = prod.ofType('AWS::ApiGatewayV2::Api').map(({ Properties }) => Properties.CorsConfiguration);

  expect(cors).toEqual([undefined, undefined]);
});

describe.each([
  { name: 'webhook', apiId: WEBHOOK_API, handler: 'IngestFunctionB02ED0EB', rate: 1000, burst: 2000 },
  { name: 'read', apiId: READ_API, handler: 'ReadApiFunctionC43B0DB6', rate: 50, burst: 100 },
])('the $name API', ({ apiId, handler, rate, burst }) => {
  const stage = stageOf(prod, apiId);

  test('sends requests only to its function', () => {
    const integrations = prod
      .ofType('AWS::ApiGatewayV2::Integration')
      .filter(({ Properties }) => Properties.ApiId.Ref === apiId)
      .map(({ Properties }) => [Properties.IntegrationUri, Properties.PayloadFormatVersion]);

    expect(integrations).toEqual([[{ 'Fn::GetAtt': [handler, 'Arn'] }, '2.0']]);
  });

  test('is throttled on its default stage', () => {
    expect(stage.StageName).toBe('$default');
    expect(stage.DefaultRouteSettings).toMatchObject({ ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst });
  });

  test('logs each request without path, address or user agent', () => {
    const format = JSON.parse(stage.AccessLogSettings.Format.replace(':$context.status', ':200'));
    const used = [...stage.AccessLogSettings.Format.matchAll(/\$context\.([\w.]+)/g)].map((match) => match[1]);

    expect(Object.keys(format)).toContain('requestId');
    expect(used.filter((name) => /path|ip|agent|identity|authorizer|querystring/i.test(name))).toEqual([]);
  });

  test('logs to its own group, which expires', () => {
    const [groupId] = stage.AccessLogSettings.DestinationArn['Fn::GetAtt'];

    expect(prod.resources[groupId]).toMatchObject({
      Type: 'AWS::Logs::LogGroup',
      Properties: { RetentionInDays: 30 },
    });
  });
});

test.each([
  ['Acknowledged', '{ $.status = 200 }'],
  ['Throttled', '{ $.status = 429 }'],
])('%s is counted in the access log of the webhook API, where the status is a number', (name, pattern) => {
  const { LogGroupName, FilterPattern, MetricTransformations } = prod.named(
    'AWS::Logs::MetricFilter',
    `WebhookApi${name}`,
  ).Properties;
  const { DestinationArn, Format } = stageOf(prod, WEBHOOK_API).AccessLogSettings;

  expect(FilterPattern).toBe(pattern);
  expect(DestinationArn['Fn::GetAtt']).toEqual([LogGroupName.Ref, 'Arn']);
  expect(Format).toContain('"status":$context.status,');
  expect(MetricTransformations).toEqual([
    { MetricName: name, MetricNamespace: 'MailgunLedger/mailgun-ledger-prod', MetricValue: '1' },
  ]);
});

test('access logs of each stack have a name to which API Gateway may write without a policy entry', () => {
  const groups = (stack: Synthesized) =>
    ['WebhookApi', 'ReadApi'].map((api) => stack.named('AWS::Logs::LogGroup', `${api}Http`).Properties.LogGroupName);
  const id = { 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] };
  const part = { 'Fn::Select': [0, { 'Fn::Split': ['-', id] }] };
  const named = (pattern: RegExp) => ({ 'Fn::Join': ['', [expect.stringMatching(pattern), part]] });

  expect(groups(prod)).toEqual([
    named(/^\/aws\/vendedlogs\/mailgun-ledger-prod-WebhookApi-Http-\w+-$/),
    named(/^\/aws\/vendedlogs\/mailgun-ledger-prod-ReadApi-Http-\w+-$/),
  ]);
  expect(groups(new Synthesized('staging'))).not.toEqual(groups(prod));
});

test('no log group that outlives its stack keeps the next one from being deployed by its name', () => {
  const names = new Synthesized('prod', { keepLogs: true })
    .ofType('AWS::Logs::LogGroup')
    .map(({ Properties }) => Properties.LogGroupName);

  expect(names.length).toBeGreaterThan(4);
  for (const name of names.filter(Boolean)) expect(JSON.stringify(name)).toContain('{"Ref":"AWS::StackId"}');
});

describe('a path segment', () => {
  test('is part of the route', () => {
    expect(routesOf(custom, WEBHOOK_API)).toEqual([`POST /webhooks/mailgun/${SEGMENT}`]);
  });
});

describe('custom domains', () => {
  test('map each API to its own', () => {
    const mapped = custom
      .ofType('AWS::ApiGatewayV2::ApiMapping')
      .map(({ Properties }) => [
        custom.resources[Properties.DomainName.Ref]?.Properties.DomainName,
        Properties.ApiId.Ref,
      ]);

    expect(mapped.toSorted()).toEqual([
      ['api.mailgun-ledger.internal', READ_API],
      ['hooks.mailgun-ledger.internal', WEBHOOK_API],
    ]);
  });

  test('the outputs are the full custom URLs, with the path segment', () => {
    expect(custom.outputs.WebhookUrl?.Value).toBe(`https://hooks.mailgun-ledger.internal/webhooks/mailgun/${SEGMENT}`);
    expect(custom.outputs.ApiUrl?.Value).toBe('https://api.mailgun-ledger.internal');
  });

  test("the gateway's own host name is disabled only if the custom one is exclusive", () => {
    const webhook = { name: 'hooks.mailgun-ledger.internal', certificateArn: CERTIFICATE, exclusive: true };
    const exclusive = new Synthesized('prod', { customDomain: { webhook } });
    const isOff = (stack: Synthesized, apiId: string) => stack.resources[apiId]?.Properties.DisableExecuteApiEndpoint;

    expect([isOff(exclusive, WEBHOOK_API), isOff(exclusive, READ_API)]).toEqual([true, undefined]);
    expect([isOff(custom, WEBHOOK_API), isOff(custom, READ_API)]).toEqual([undefined, undefined]);
  });

  test('the targets of the CNAME records are outputs', () => {
    expect(Object.keys(custom.outputs)).toEqual(expect.arrayContaining(['WebhookDomainTarget', 'ApiDomainTarget']));
  });

  test('the APIs keep their ids, so the URLs registered at Mailgun still work', () => {
    for (const apiId of [WEBHOOK_API, READ_API]) {
      expect(custom.resources[apiId]?.Type).toBe('AWS::ApiGatewayV2::Api');
    }
  });
});
