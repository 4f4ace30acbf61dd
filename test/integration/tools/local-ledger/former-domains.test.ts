import { randomUUID } from 'node:crypto';
import { createEventQueue } from '../../../../lambdas/adapters/aws/messaging.ts';
import { createDomainRepository } from '../../../../lambdas/adapters/table/domain-repository.ts';
import { NO_DOMAINS } from '../../../../lambdas/domain/ledger/ledger-domains.ts';
import { deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { type LocalLedger, startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// The template after a deploy that took a domain out of `domains`, with its bundles and permissions.

const [STAYS, FORMER] = ['mg.acme.internal', 'old.acme.internal'] as const;
const PATIENCE_MS = 120_000;

const eventOf = () =>
  deliveredEvent({
    id: randomUUID(),
    timestamp: Date.now() / 1000,
    domain: { name: FORMER },
    message: { headers: { 'message-id': `${randomUUID()}@${FORMER}` } },
  });
/** Made after the start, where the ledger begins. */
let stored: ReturnType<typeof eventOf>;

let local: LocalLedger;
beforeAll(async () => {
  local = await startLocalLedger({ domains: [STAYS], archive: true });
  const { clients, output } = local.target;
  stored = eventOf();
  const queue = createEventQueue(clients.queues, output('QueueUrl'));
  await queue.send({ source: 'webhook', receivedAt: Date.now(), domain: FORMER, event: stored });
  await drained(local.stack);
  local.stack.setDomains([STAYS, FORMER]);
  local.stack.list([stored as never]);
  const store = createDomainRepository({ client: clients.table, name: output('TableName') });
  // The table as the version before the deploy left it; a scheduled run may be writing, too.
  for (;;) {
    const known = await store.read();
    const domains = [STAYS, FORMER].map((name) => ({ name, region: 'us' as const, foundAt: 0 }));
    if (await store.write({ ...NO_DOMAINS, ...known, domains }, known)) break;
  }
  const deadlineMs = Date.now() + PATIENCE_MS / 2;
  while ((await read(`ledger?domain=${FORMER}`)).body.totals?.expected !== 1) {
    if (Date.now() > deadlineMs) throw new Error('the former domain is not compared');
    await local.stack.reconcile();
  }
}, PATIENCE_MS);
afterAll(() => local?.stack.stop());

async function read(path: string) {
  const { apiUrl, apiToken } = local.stack.ready;
  const response = await fetch(`${apiUrl}/mailgun/${path}`, { headers: { authorization: `Bearer ${apiToken}` } });
  // biome-ignore lint/suspicious/noExplicitAny: responses of several routes, held by the assertions
  return { status: response.status, body: (await response.json()) as any };
}

test('the read API reads a former domain, and takes the only configured one where none is named', async () => {
  expect((await read('health')).body.domains).toEqual([STAYS, FORMER]);
  const day = new Date().toISOString().slice(0, 10);
  for (const path of ['ledger?', `events?day=${day}&`, 'stats?', `mails?day=${day}&`]) {
    expect([path, (await read(`${path}domain=${FORMER}`)).status]).toEqual([path, 200]);
    expect([path, (await read(`${path}domain=never.internal`)).status]).toEqual([path, 400]);
  }
  expect((await read('ledger')).status).toBe(200);
});

test('a webhook of a former domain is refused permanently', async () => {
  expect(await postWebhook(local.stack, eventOf())).toBe(406);
});

test(
  'commands that read the stored take a former domain, those that act at Mailgun do not',
  async () => {
    const range = ['--from', '1h', '--domain', FORMER];
    for (const args of [
      ['export', '--format', 'ndjson', ...range],
      ['prove', ...range],
      ['replay', '--from', '1m', '--domain', FORMER, '--plan'],
    ]) {
      const { exitCode, errors } = await local.ledger(args);
      expect([args[0], exitCode, errors.join()]).toEqual([
        args[0],
        0,
        expect.not.stringContaining("not one of the stack's"),
      ]);
    }
    const { lines } = await local.ledger(['export', '--format', 'ndjson', '--from', '1h']);
    expect(lines.join()).toContain(stored.id);
    const unconfirmed = await local.ledger(['unconfirmed', '--domain', FORMER]);
    expect([unconfirmed.exitCode, unconfirmed.lines.join()]).toEqual([0, expect.stringContaining(FORMER)]);
    const accept = await local.ledger(['accept', '3h', '--domain', FORMER, '--reason', 'looked into', '--plan']);
    expect(accept.errors.join()).not.toContain("not one of the stack's");
    for (const args of [
      ['webhooks', 'check', '--domain', FORMER],
      ['export', '--from', '1h', '--domain', 'never.internal'],
    ]) {
      expect([args[0], (await local.ledger(args)).exitCode]).toEqual([args[0], 2]);
    }
    const status = await local.ledger(['status', '--json']);
    expect(status.json()[0].domains.map(({ domain }: { domain: string }) => domain)).toEqual([STAYS]);
  },
  2 * PATIENCE_MS,
);

test(
  'seal archives the slices of a former domain, and prove states them',
  async () => {
    const deadlineMs = Date.now() + PATIENCE_MS;
    const statesOne = async () => {
      await local.stack.reconcile();
      await local.stack.seal();
      const { exitCode, lines } = await local.ledger(['prove', '--from', '1h', '--domain', FORMER]);
      if (exitCode !== 0) return false;
      const { domains } = JSON.parse(lines.join('')).certificate;
      return domains[0].domain === FORMER && domains[0].totals.expected === 1;
    };
    while (!(await statesOne())) expect(Date.now()).toBeLessThan(deadlineMs);
  },
  2 * PATIENCE_MS,
);
