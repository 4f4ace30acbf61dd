import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { listenOnLoopback } from '../../../tools/local-stack/run/listener.ts';
import { DOMAIN } from '../../support/fixtures/webhooks.ts';
import { eventOf, type ReadStack, startReadStack } from '../../support/stacks/read-stack.ts';

// The example of docs/integrate.md, run as described there, against the local stack.

const ROOT = join(import.meta.dirname, '../../..');
const MAILGUN_KEY = 'key-of-the-example';
let api: ReadStack;

beforeAll(async () => {
  api = await startReadStack({}, MAILGUN_KEY);
}, 60_000);
afterAll(() => api?.stop());

async function run(to: string, myId: string, ledgerUrl = api.ready.apiUrl) {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/send-and-follow.ts', to, myId], {
    cwd: ROOT,
    env: {
      ...process.env,
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
      LEDGER_URL: ledgerUrl,
      LEDGER_TOKEN: api.ready.apiToken,
      MAILGUN_URL: api.ready.mailgunUrl,
      MAILGUN_KEY,
      MAILGUN_DOMAIN: DOMAIN,
    },
  });
  return JSON.parse(stdout);
}

test('send-and-follow sends a mail, finds it by message id, and shows its status', async () => {
  const outcome = await run('Ada+shop@North.Example', 'order-7');
  expect(outcome).toEqual({
    sent: true,
    messageId: expect.stringContaining(`@${DOMAIN}`),
    status: 'DELIVERED',
    // Webhooks arrive in any order: the acceptance may still be missing.
    events: expect.arrayContaining(['EMAIL_DELIVERED']),
    myId: 'order-7',
  });
  const { body } = await api.get(`/mailgun/messages/${encodeURIComponent(outcome.messageId)}`);
  expect(body.events[0]).toMatchObject({ tags: ['receipts'], recipient: 'Ada+shop@North.Example' });
}, 90_000);

test('send-and-follow waits for the event if the status is there first', async () => {
  let early = 0;
  const readApi = await listenOnLoopback(async (request, response) => {
    const { status, body } = await api.get(request.url ?? '');
    const isEarly = body.recipients?.[0]?.status === 'DELIVERED' && early++ === 0;
    response.writeHead(status).end(JSON.stringify(isEarly ? { ...body, events: [] } : body));
  });
  const outcome = await run('bea@north.example', 'order-8', readApi.url).finally(readApi.close);
  expect(early).toBeGreaterThan(1);
  expect(outcome).toMatchObject({ status: 'DELIVERED', myId: 'order-8' });
}, 90_000);

test('send-and-follow does not send to a suppressed recipient', async () => {
  const recipient = 'gone@north.example';
  await api.store(
    eventOf('bounced@mg.example.com', { recipient, event: 'failed', severity: 'permanent', reason: 'bounce' }),
  );
  expect(await run(recipient, 'order-9')).toEqual({ sent: false, because: ['bounce'] });
  expect((await api.get(`/mailgun/recipients/${recipient}`)).body.messages).toHaveLength(1);
}, 90_000);

test('send-and-follow does not send after an unsubscribe, whatever tags its event has', async () => {
  const recipient = 'picky@north.example';
  await api.store(eventOf('news@mg.example.com', { recipient, event: 'unsubscribed', tags: ['news'] }));
  expect(await run(recipient, 'order-10')).toMatchObject({ sent: false });
}, 90_000);
