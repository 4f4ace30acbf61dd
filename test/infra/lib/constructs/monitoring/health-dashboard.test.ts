import { Synthesized } from '../../../../support/stacks/synthesized.ts';

const prod = new Synthesized('prod');

interface Widget {
  type: string;
  properties: { markdown?: string; title?: string; alarms?: string[]; metrics?: unknown[] };
}

const [{ DashboardName, DashboardBody }] = prod
  .ofType('AWS::CloudWatch::Dashboard')
  .map(({ Properties }) => Properties) as [
  { DashboardName: string; DashboardBody: { 'Fn::Join': [string, unknown[]] } },
];
const parts = DashboardBody['Fn::Join'][1];
const widgets: Widget[] = JSON.parse(
  parts.map((part) => (typeof part === 'string' ? part : idOf(part))).join(''),
).widgets;
const titles = widgets.map(({ type, properties }) => properties.markdown ?? properties.title ?? type);

test('the stack has one health dashboard, which the output opens, and which another region may have too', () => {
  expect(prod.ofType('AWS::CloudWatch::Dashboard')).toHaveLength(1);
  expect(DashboardName).toBe('mailgun-ledger-prod-eu-west-1');
  expect(prod.outputs.HealthDashboardUrl?.Value).toBe(
    'https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards:name=mailgun-ledger-prod-eu-west-1',
  );
});

test('the health dashboard shows from top to bottom whether it is healthy, since when not, and what lags', () => {
  expect(titles).toEqual([
    '## Is it healthy?',
    'Alarms',
    'Complete? All of these should be 0',
    '## Since when not?',
    'Webhooks',
    'Response time',
    'Storing',
    'Mail',
    '## What is behind?',
    'Queue',
    'Ledger',
    'Found by reconcile',
    'Refusals by reason',
    'Table',
  ]);
});

test('the health dashboard shows the state of every alarm', () => {
  const alarmIds = Object.entries(prod.resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');

  expect(widgets[1]?.properties.alarms?.toSorted()).toEqual(alarmIds.map(([id]) => id).toSorted());
});

test('the health dashboard shows refusals of every reason, future ones included', () => {
  const search = JSON.stringify(widgets.find(({ properties }) => properties.title === 'Refusals by reason'));

  expect(search).toContain('SEARCH(');
  expect(search).toContain('{MailgunLedger,Ledger,Reason}');
  expect(search).toContain('mailgun-ledger-prod');
});

/** The logical id that a reference names. */
function idOf(reference: unknown): string {
  const { Ref, 'Fn::GetAtt': attribute } = reference as { Ref?: string; 'Fn::GetAtt'?: string[] };
  return Ref ?? attribute?.[0] ?? '';
}

test.each([
  ['eu-west-1', 'https://eu-west-1.console.aws.amazon.com/'],
  ['us-gov-west-1', 'https://console.amazonaws-us-gov.com/'],
  ['cn-north-1', 'https://console.amazonaws.cn/'],
])('the URL of the health dashboard in %s is on %s', (region, host) => {
  expect(new Synthesized('dev', { region }).outputs.HealthDashboardUrl?.Value).toMatch(
    new RegExp(`^${host}cloudwatch/`),
  );
});
