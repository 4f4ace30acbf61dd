import { setTimeout as sleep } from 'node:timers/promises';
import { UNSET_SIGNING_KEYS } from '../../../../lambdas/contract.ts';
import { sendTestLine } from '../../../support/cli/json-lines/send-test.ts';
import { whyLine } from '../../../support/cli/json-lines/why.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { LOCAL_KEY, localLedgerForAll } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

const local = localLedgerForAll();
afterEach(async () => {
  local.stack.setFaults([]);
  await local.stack.putKeys({ current: LOCAL_KEY });
});

async function sendTest(...args: string[]) {
  const { exitCode, json } = await local.ledger(['send-test', '--json', ...args]);
  return { exitCode, lines: json().map((line) => sendTestLine.parse(line)) };
}

async function ledgerTotals() {
  const { ready } = local.stack;
  const headers = { authorization: `Bearer ${ready.apiToken}` };
  const response = await fetch(`${ready.apiUrl}/mailgun/ledger?domain=${DOMAIN}`, { headers });
  const { totals } = (await response.json()) as { totals: Record<string, number> };
  return totals;
}

/** Slices are three seconds long and due a second later. */
const untilDue = () => sleep(5000);

test('send-test follows its event until it is readable, and two passes of reconciliation do not report it', async () => {
  const { exitCode, lines } = await sendTest();
  expect(exitCode).toBe(0);
  const messageId = expect.stringMatching(new RegExp(`^send-test-[0-9a-f-]{36}@${DOMAIN}$`));
  expect(lines).toMatchObject([
    { event: 'sent', messageId, recipient: `send-test@${DOMAIN}` },
    { event: 'hop', hop: 'acknowledged' },
    { event: 'hop', hop: 'stored' },
    { event: 'hop', hop: 'readable' },
    { event: 'done', messageId },
  ]);
  const hops = lines.flatMap((line) => (line.event === 'hop' ? [line.tookMs] : []));
  expect(lines.at(-1)).toMatchObject({ tookMs: hops.reduce((sum, ms) => sum + ms, 0) });

  await untilDue();
  for (let pass = 0; pass < 2; pass += 1) await local.stack.reconcile();
  expect(await ledgerTotals()).toMatchObject({ expected: 0, unaccounted: 0, unconfirmed: 0 });

  const [sent] = lines;
  const id = sent?.event === 'sent' ? sent.messageId : '';
  const explained = await local.ledger(['why', id, '--json']);
  const [, recipient] = explained.json().map((line) => whyLine.parse(line));
  expect(explained.exitCode).toBe(0);
  const reconciled = { slice: 'unknown', listed: 'unknown', why: 'the ledger does not cover this time' };
  expect(recipient).toMatchObject({
    event: 'recipient',
    status: 'DELIVERED',
    mayBeForged: 0,
    events: [{ reconciled }],
  });
  expect((await local.ledger(['why', id])).lines.join('\n')).not.toMatch(/forged/);
  expect((await local.ledger(['status'])).lines.join('\n')).not.toMatch(/forged|lacks|stuck/);

  // A forged event would look like this one dated today; without its old date, this test could pass by chance.
  const timestamp = Math.floor(Date.now() / 1000);
  await postWebhook(local.stack, deliveredEvent({ timestamp, message: { headers: { 'message-id': 'not-listed' } } }));
  await drained(local.stack);
  let totals: Record<string, number>;
  do {
    await sleep(1000);
    await local.stack.reconcile();
    totals = await ledgerTotals();
  } while (totals.unconfirmed === 0);
  expect(totals).toMatchObject({ expected: 1, unconfirmed: 1 });
});

test('send-test prints how long each hop took', async () => {
  const { exitCode, lines } = await local.ledger(['send-test']);
  expect(exitCode).toBe(0);
  expect(lines.join('\n')).toMatch(
    /\d ms {2}acknowledged.*\n +\d+ ms {2}stored\n +\d+ ms {2}shown by the read API\n +\d+ ms {2}in all$/,
  );
  expect(lines.join('\n')).not.toContain(LOCAL_KEY);
});

test('send-test reports a refusing webhook URL with its reason', async () => {
  local.stack.setFaults([{ service: 'sqs', operation: 'SendMessage', mode: '500', percent: 100 }]);
  const { exitCode, lines } = await sendTest();
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toEqual({
    event: 'lost',
    hop: 'acknowledged',
    why: 'the webhook URL returned 503 (queue-unavailable)',
  });
});

test('send-test reports an event that is not stored in time', async () => {
  local.stack.setFaults([{ service: 'dynamodb', operation: 'UpdateItem', mode: 'throttle', percent: 100 }]);
  const { exitCode, lines } = await sendTest('--wait', '2');
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toMatchObject({ event: 'lost', hop: 'stored', why: expect.stringMatching(/is not stored/) });
});

test.each([
  [[], 3],
  [['--if-key'], 0],
])('a stack without a signing key is not set up: send-test %p exits with %i', async (args, code) => {
  await local.stack.putKeys(JSON.parse(UNSET_SIGNING_KEYS));
  const { exitCode, lines } = await sendTest(...args);
  const why = 'the stack has no signing key; keys set stores one';
  expect({ exitCode, lines }).toEqual({ exitCode: code, lines: [{ event: 'not-ready', why }] });
});

test.each([
  [['--domain', 'x.example'], /not one of the stack's/],
  [['--wait', '0'], /whole number of at least 1/],
])('send-test exits with 2 and one sentence for the wrong input %p', async (args, expectedText) => {
  const { exitCode, errors } = await local.ledger(['send-test', ...args]);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [expect.stringMatching(expectedText)] });
});
