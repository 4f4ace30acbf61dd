import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { type LocalLedger, startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// The template with `domains: "account"`, its bundles and permissions, while the twin's account gains and loses
// domains.

const [FIRST, SECOND, INVENTED] = ['mg.acme.internal', 'new.acme.internal', 'invented.internal'] as const;
const PATIENCE_MS = 120_000;

let local: LocalLedger;
beforeAll(async () => {
  local = await startLocalLedger({ domains: [FIRST], archive: true, overlay: { domains: 'account' } });
}, PATIENCE_MS);
afterAll(() => local?.stack.stop());

const eventOf = (name: string) =>
  deliveredEvent({
    id: randomUUID(),
    timestamp: Date.now() / 1000 - 5,
    domain: { name },
    message: { headers: { 'message-id': `${randomUUID()}@${name}` } },
  });

async function read(path: string) {
  const { apiUrl, apiToken } = local.stack.ready;
  const response = await fetch(`${apiUrl}/mailgun/${path}`, { headers: { authorization: `Bearer ${apiToken}` } });
  // biome-ignore lint/suspicious/noExplicitAny: responses of several routes, held by the assertions
  return { status: response.status, body: (await response.json()) as any };
}

/** Runs reconcile until a condition holds. */
async function reconcileUntil(holds: () => Promise<boolean>): Promise<void> {
  const untilMs = Date.now() + PATIENCE_MS / 2;
  for (;;) {
    await local.stack.reconcile();
    if (await holds()) return;
    if (Date.now() > untilMs) throw new Error('reconcile has not come so far');
    await sleep(500);
  }
}

const command = async (...args: string[]) => {
  const { exitCode, json, errors, lines } = await local.ledger(args);
  return { exitCode, errors, lines, json };
};

test(
  'a domain that Mailgun gains has a ledger from its first event on, and an invented one has none',
  async () => {
    const { stack } = local;
    // A scheduled run may have done so already: the account has its first domain.
    await stack.reconcile();
    const received = eventOf(SECOND);
    const unreceived = eventOf(SECOND);
    const invented = eventOf(INVENTED);
    for (const event of [received, invented, eventOf(FIRST)]) expect(await postWebhook(stack, event)).toBe(200);
    stack.list([received as never, unreceived as never]);
    stack.setDomains([FIRST, SECOND]);
    await drained(stack);
    const ledgerOf = async () => {
      const { status, body } = await read(`ledger?domain=${SECOND}&from=${Math.floor(Date.now() / 1000) - 3600}`);
      return status === 200 ? body.totals : undefined;
    };
    await reconcileUntil(async () => {
      // Queued events are stored before the next check.
      await drained(stack);
      const totals = await ledgerOf();
      return totals?.expected === 2 && totals.unaccounted === 0;
    });
    expect((await read('health')).body.domains.toSorted()).toEqual([INVENTED, FIRST, SECOND].toSorted());
    const { body } = await read(`events?domain=${INVENTED}&day=${new Date().toISOString().slice(0, 10)}`);
    expect(body.events.map(({ key }: { key: string }) => key)).toEqual([`delivered#${invented.id}`]);
    expect((await read(`ledger?domain=${INVENTED}`)).body.slices).toEqual([]);

    const status = await command('status', '--json');
    expect(status.json()[0].domains.map(({ domain }: { domain: string }) => domain)).toEqual([FIRST, SECOND]);
    const doctor = (await command('doctor', '--json')).json();
    expect(doctor.find(({ check }) => check === 'domains at Mailgun')).toMatchObject({
      state: 'warning',
      says: expect.stringMatching(new RegExp(`now in the ledger: ${SECOND}.*${INVENTED}`)),
    });
    const foreign = await command('webhooks', 'check', '--domain', 'nothing.internal');
    expect([foreign.exitCode, foreign.errors.join()]).toEqual([2, expect.stringContaining(FIRST)]);
  },
  PATIENCE_MS,
);

test(
  'a domain that Mailgun removes stays in the ledger, and is reported as gone',
  async () => {
    local.stack.setDomains([FIRST]);
    await local.stack.reconcile();
    expect((await read('health')).body.domains).toContain(SECOND);
    const status = await command('status', '--json');
    expect(status.json()[0].domains.map(({ domain }: { domain: string }) => domain)).toEqual([FIRST]);
    const doctor = (await command('doctor', '--json')).json();
    expect(doctor.find(({ check }) => check === 'domains at Mailgun')).toMatchObject({
      says: expect.stringContaining(`no longer at Mailgun: ${SECOND}`),
    });
    const posted = await postWebhook(local.stack, eventOf(SECOND));
    expect(posted).toBe(200);
  },
  PATIENCE_MS,
);
