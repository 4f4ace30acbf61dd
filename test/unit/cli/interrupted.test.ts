import { listenOnLoopback } from '../../../tools/local-stack/run/listener.ts';
import { outputOfItsKey, runCommand, stubDeployment } from '../../support/cli/command-line.ts';
import { stubSecrets } from '../../support/doubles/stub-secrets.ts';

const FROM = ['--from', '2026-11-01', '--to', '2026-11-02'];
const INTERRUPTED = 'interrupted before all was read; to read all, run the same command again';

test.each([
  ['status'],
  ['doctor'],
  ['find', 'ada@example.org'],
  ['why', 'a@mg.example.com'],
  ['unconfirmed'],
  ['dlq', 'list'],
  ['keys', 'status'],
  ['webhooks', 'check'],
  ['suppressions', 'show', 'ada@example.org'],
  ['replay', ...FROM],
  ['export', ...FROM],
  ['prove', ...FROM],
])('%s %s ends at the first Ctrl-C while the stack does not respond', async (...args) => {
  const stop = new AbortController();
  const openDeployment = () => {
    stop.abort();
    return new Promise<never>(() => {});
  };
  const { exitCode, errors } = await runCommand([...args, '--local'], { openDeployment, signal: stop.signal });

  expect([exitCode, errors]).toEqual([1, [INTERRUPTED]]);
});

test.each([['status'], ['keys', 'status']])(
  '%s %s ends at the first Ctrl-C while AWS does not respond',
  async (...args) => {
    const stop = new AbortController();
    const send = () => {
      stop.abort();
      return new Promise(() => {});
    };
    const clients = { secrets: { send }, table: { send }, queues: { send } } as never;
    const deployment = stubDeployment({ clients, output: outputOfItsKey, alarms: () => new Promise(() => {}) });
    const over = { openDeployment: async () => deployment, signal: stop.signal };
    const { exitCode, errors } = await runCommand([...args, '--local'], over);

    expect([exitCode, errors]).toEqual([1, [INTERRUPTED]]);
  },
);

test.each([[['doctor']], [['webhooks', 'check']]])(
  '%j ends at the first Ctrl-C while Mailgun does not respond, and keeps what it has shown',
  async (args) => {
    const stop = new AbortController();
    const mailgun = await listenOnLoopback(() => stop.abort());
    const secrets = stubSecrets({
      ApiKeySecretArn: '{"apiKey":"key-1234"}',
      SigningKeysSecretArn: '{"current":"the-signing-key"}',
    });
    const output = (key: string) =>
      key === 'WebhookUrl' ? 'http://127.0.0.1:4010/webhooks/mailgun' : secrets.output(key);
    const deployment = stubDeployment({
      ...secrets,
      output,
      mailgunUrl: () => mailgun.url,
    });
    const { exitCode, lines, errors } = await runCommand([...args, '--local'], {
      openDeployment: async () => deployment,
      signal: stop.signal,
    });
    await mailgun.close();

    expect([exitCode, errors]).toEqual([1, [INTERRUPTED]]);
    expect(lines.some((line) => line.startsWith('ok'))).toBe(args.includes('doctor'));
  },
);
