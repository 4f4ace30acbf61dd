import { TargetUnavailableError } from '../../../../cli/errors.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { outputOfItsKey, runCommand, stubDeployment } from '../../../support/cli/command-line.ts';

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
