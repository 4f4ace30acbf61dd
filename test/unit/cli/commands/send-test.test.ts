import { TargetUnavailableError } from '../../../../cli/errors.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { outputOfItsKey, runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { sendTestLine } from '../../../support/cli/json-lines/send-test.ts';

/** RFC 2606 keeps this name out of the DNS. */
const UNKNOWN_URL = 'https://hooks.ledger.invalid/webhooks/mailgun';

const secrets = { send: async () => ({ SecretString: '{"current":"a-signing-key"}' }) };
const stack = (outputs: Record<string, string>) =>
  stubDeployment({
    clients: { secrets } as unknown as Deployment['clients'],
    output(key) {
      const value = { WebhookUrl: UNKNOWN_URL, TableName: 'table', ...outputs }[key];
      if (value === undefined && key.endsWith('Arn')) return key;
      if (value === undefined) throw new TargetUnavailableError(`no output ${key}`);
      return value;
    },
  });

const sendTest = (outputs: Record<string, string>, ...args: string[]) =>
  runCommand(['send-test', '--env', 'prod', ...args], { openDeployment: async () => stack(outputs) });

test.each([
  [[], 3],
  [['--if-key'], 0],
])('a custom host name without its CNAME is not set up: send-test %p exits with %i', async (args, code) => {
  const { exitCode, lines } = await sendTest(
    { WebhookDomainTarget: 'd-1.execute-api.eu-west-1.amazonaws.com' },
    ...args,
  );

  expect(exitCode).toBe(code);
  expect(lines.at(-1)).toBe(
    'Not set up yet: the DNS does not know hooks.ledger.invalid; point a CNAME at the output WebhookDomainTarget.',
  );
});

test("send-test fails if the DNS does not know the gateway's own host name, with --if-key too", async () => {
  const { exitCode, lines } = await sendTest({}, '--if-key');

  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toBe('Lost: the DNS does not know hooks.ledger.invalid.');
});

test.each([
  ['just now is waited for, as long as ingest may take', 10_000, 14, 'Waiting: the key was stored just now'],
  ['long ago is wrong at once', 60_000, 1, 'Lost: the webhook URL returned 401 (bad-signature).'],
])('a refused key that was stored %s', async (_, ageMs, posts, expected) => {
  let received = 0;
  const server = await listenOnLoopback((_request, response) => {
    received += 1;
    response.writeHead(401).end('{"ok":false,"reason":"bad-signature"}');
  });
  let nowMs = 1_770_000_000_000;
  const send = async () => ({ SecretString: '{"current":"a-key"}', CreatedDate: new Date(1_770_000_000_000 - ageMs) });
  const target = stubDeployment({
    clients: { secrets: { send } } as unknown as Deployment['clients'],
    output: (key) => (key === 'WebhookUrl' ? server.url : outputOfItsKey(key)),
  });
  const { exitCode, lines } = await runCommand(['send-test', '--env', 'prod'], {
    openDeployment: async () => target,
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  });
  await server.close();

  expect([exitCode, received]).toEqual([1, posts]);
  expect(lines[1]).toContain(expected);
  expect(lines.at(-1)).toBe('Lost: the webhook URL returned 401 (bad-signature).');
});

test('send-test ends once the event is stored where the read API takes JWTs, which it does not have', async () => {
  const paths: string[] = [];
  const server = await listenOnLoopback(({ url = '' }, response) => {
    paths.push(url);
    response.writeHead(200).end('{}');
  });
  const outputs: Record<string, string> = {
    WebhookUrl: `${server.url}/webhook`,
    ApiUrl: `${server.url}/api`,
    JwtIssuer: 'https://login.acme.example',
  };
  const table = { send: async () => ({ Item: { sk: 'stored' } }) };
  const target = stubDeployment({
    clients: { secrets, table } as unknown as Deployment['clients'],
    output: (key) => outputs[key] ?? outputOfItsKey(key),
  });

  const { exitCode, json } = await runCommand(['send-test', '--env', 'prod', '--json'], {
    openDeployment: async () => target,
  });
  await server.close();
  const lines = json().map((line) => sendTestLine.parse(line));

  expect(exitCode).toBe(0);
  expect(paths).toEqual(['/webhook']);
  expect(lines.slice(1)).toMatchObject([
    { event: 'hop', hop: 'acknowledged' },
    { event: 'hop', hop: 'stored' },
    { event: 'unchecked', hop: 'readable', why: 'the read API takes JWTs of https://login.acme.example alone' },
    { event: 'done' },
  ]);
});
