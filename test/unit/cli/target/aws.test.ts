import { text } from 'node:stream/consumers';
import { openStack } from '../../../../cli/target/aws.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';

const topic = (name: string) => `arn:aws:sns:eu-west-1:333333333333:${name}`;
const OUTPUTS = { PageTopicArn: topic('Mail-page'), TicketTopicArn: topic('Mail-ticket'), Domains: '[]' };
const ALARMS = {
  'Mail-dead-letters': [topic('Mail-ticket')],
  'Mail-webhook-errors': [topic('another'), topic('Mail-page')],
  'Mail-eu-webhook-errors': [topic('Mail-eu-page')],
  'Mail-silenced-by-hand': [],
};

test('alarms are those that notify the topics of the stack: not those of Mail-eu beside Mail', async () => {
  const outputs = Object.entries(OUTPUTS).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  const replies: Record<string, string> = {
    GetCallerIdentity: '<Account>333333333333</Account>',
    DescribeStacks: `<Stacks><member><Outputs>${outputs.join('')}</Outputs></member></Stacks>`,
  };
  const aws = await listenOnLoopback(async (request, response) => {
    const action = new URLSearchParams(await text(request)).get('Action');
    if (action !== null) {
      response.end(`<${action}Response><${action}Result>${replies[action]}</${action}Result></${action}Response>`);
      return;
    }
    const MetricAlarms = Object.entries(ALARMS).map(([AlarmName, AlarmActions]) => ({
      AlarmName,
      AlarmActions,
      StateValue: 'OK',
    }));
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end(JSON.stringify({ MetricAlarms }));
  });
  const earlier = { ...process.env };
  Object.assign(process.env, { AWS_ENDPOINT_URL: aws.url, AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' });
  const ref = { kind: 'stack', stackName: 'Mail', region: 'eu-west-1' } as const;

  try {
    const stack = await openStack(ref, 'Mail', { region: 'eu-west-1' });
    const alarms = await stack.alarms();

    expect(alarms.map(({ name }) => name)).toEqual([
      'Mail-dead-letters',
      'Mail-webhook-errors',
      'Mail-silenced-by-hand',
    ]);
  } finally {
    process.env = earlier;
    await aws.close();
  }
});
