import { expect, test } from '@jest/globals';
import { TargetUnavailableError } from '../../../../cli/errors.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { runCommand, stubDeployment } from '../../../support/command-line.ts';

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

test("a host name of the gateway's own that the DNS does not know loses the event, with --if-key too", async () => {
  const { exitCode, lines } = await sendTest({}, '--if-key');

  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toBe('Lost: the DNS does not know hooks.ledger.invalid.');
});
