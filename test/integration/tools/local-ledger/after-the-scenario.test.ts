import { setTimeout as sleep } from 'node:timers/promises';
import { openDeployment } from '../../../../cli/target/open.ts';
import { createReconciliationStateRepository } from '../../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import type { LocalStack } from '../../../../tools/local-ledger/local-ledger.ts';
import { USUAL_RECONCILE } from '../../../../tools/local-ledger/options/reconcile-choice.ts';
import { runScenario } from '../../../../tools/local-ledger/scenario.ts';
import { openTwin } from '../../../../tools/mailgun-twin/open-twin.ts';
import { runCommand } from '../../../support/cli/command-line.ts';
import { statusLine } from '../../../support/cli/json-lines/status.ts';
import { DOMAIN } from '../../../support/fixtures/webhooks.ts';
import { startTestStack } from '../../../support/stacks/local-stack.ts';

// The state of the stack a minute after the last ✔ of `npm start`.

const stopping = new AbortController();
const sounded: string[] = [];
let stack: LocalStack;

beforeAll(async () => {
  stack = await startTestStack({
    reconcile: { ...USUAL_RECONCILE, everySeconds: 5, retentionSeconds: 60 },
    metricPeriodSeconds: 5,
    // On a busy machine a batch may take long; killed, it would come back half a minute later, again and again.
    overlay: { processing: { timeoutSeconds: 15 } },
    onAlarm: ({ name, to }) => {
      if (to === 'ALARM') sounded.push(name);
    },
  });
});
afterAll(async () => {
  stopping.abort();
  await stack?.stop();
});

/** Returns alarms that a slow machine cannot explain. */
const suspicious = () => sounded.filter((name) => /unconfirmed|forged|dead-letters/.test(name));

/** Returns the end of the slices that had their second pass; one that is passed over late has it with the first. */
async function secondPassUntil(port: number): Promise<number> {
  const { clients, output } = await openDeployment({ kind: 'local', port });
  const ledger = createReconciliationStateRepository({ client: clients.table, name: output('TableName') });
  return (await ledger.readWatermarks(DOMAIN))?.second ?? 0;
}

test('once its scenario has ended well and every slice had its second pass, no alarm is on and status calls the stack healthy', async () => {
  const { settleSeconds, sliceSeconds } = USUAL_RECONCILE;
  const { ok } = await runScenario({
    ready: stack.ready,
    twin: openTwin(stack.ready, stack, stopping.signal),
    json: false,
    print: () => {},
    signal: stopping.signal,
    dueAfterSeconds: settleSeconds + sliceSeconds,
  });
  const to = Math.ceil(Date.now() / 1000);
  const { port } = new URL(stack.ready.webhookUrl);
  while ((await secondPassUntil(Number(port))) < to) await sleep(1000);
  const status = () => runCommand(['status', '--local', '--port', port, '--json'], { openDeployment });
  // Delays on a busy machine may set off an alarm, which ends by itself.
  while (sounded.length > 0 && suspicious().length === 0 && (await status()).exitCode !== 0) await sleep(1000);
  const { exitCode, json } = await status();

  expect(ok).toBe(true);
  expect(suspicious()).toEqual([]);
  expect(json().map((line) => statusLine.parse(line))).toContainEqual(expect.objectContaining({ health: 'healthy' }));
  expect(exitCode).toBe(0);
}, 900_000);
