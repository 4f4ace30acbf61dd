import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { doctorLine } from '../../support/cli/json-lines/doctor.ts';
import { listingLine } from '../../support/cli/json-lines/listing.ts';
import { statusLine } from '../../support/cli/json-lines/status.ts';
import { DOMAIN, deliveredEvent } from '../../support/fixtures/webhooks.ts';
import { LOCAL_RECONCILE, type LocalLedger, startLocalLedger } from '../../support/stacks/local-ledger.ts';
import { drained } from '../../support/stacks/local-stack.ts';

const SUNSET = 'Thu, 01 Jul 2027 00:00:00 GMT';

let local: LocalLedger;
beforeAll(async () => {
  // The ledger begins before the first event, however quickly the stack starts.
  const fromEpochSeconds = Math.floor(Date.now() / 1000) - 15;
  local = await startLocalLedger({ reconcile: { ...LOCAL_RECONCILE, fromEpochSeconds } });
}, 180_000);
afterAll(() => local?.stack.stop());

async function reported(...args: string[]) {
  const { exitCode, json } = await local.ledger([...args, '--json']);
  return { exitCode, lines: json() };
}

/** Returns how command, status, doctor and read API report the end of the API. */
async function said() {
  const listing = listingLine.parse((await reported('listing')).lines[0]);
  const status = statusLine.parse((await reported('status')).lines[0]);
  const doctor = (await reported('doctor')).lines.map((line) => doctorLine.parse(line));
  const { apiUrl, apiToken } = local.stack.ready;
  const headers = { authorization: `Bearer ${apiToken}` };
  const response = await fetch(`${apiUrl}/mailgun/ledger?domain=${DOMAIN}`, { headers });
  return {
    listing,
    status: status.listing,
    doctor: doctor.find((line) => 'check' in line && line.check === 'listing API'),
    unsound: doctor.filter(({ state }) => state === 'wrong' || state === 'unknown'),
    api: ((await response.json()) as { listing: unknown }).listing,
  };
}

async function happen(): Promise<void> {
  const event = deliveredEvent({ id: randomUUID(), timestamp: Date.now() / 1000 - 10 });
  local.stack.list([event as never]);
  for (;;) {
    const { slices, open } = await local.stack.reconcile();
    await drained(local.stack);
    // A scheduled run may have listed it already. What a run finds missing is missing until the next run finds it stored.
    if (slices > 0 && open === 0) return;
    await sleep(300);
  }
}

test('after a 410 all runs list by the Logs API, until an operator goes back to the Events API', async () => {
  local.stack.mailgun.misbehave({ sunset: SUNSET });
  await happen();
  const announced = await said();
  expect(announced.listing).toMatchObject({ fellBackAt: null, announced: { api: 'events', sunset: SUNSET } });
  expect(announced.status).toContain(SUNSET);
  expect(announced.doctor).toMatchObject({ state: 'warning', says: expect.stringContaining(SUNSET) });
  expect(announced.unsound).toEqual([]);
  expect(announced.api).toMatchObject({ fellBackAt: null, announced: expect.stringContaining(SUNSET) });

  local.stack.mailgun.misbehave({ discontinued: true });
  await happen();
  const gone = await said();
  const { fellBackAt } = gone.listing;
  expect(fellBackAt).not.toBeNull();
  expect(gone.status).toContain(`by Logs since ${fellBackAt}`);
  expect(gone.doctor).toMatchObject({ state: 'warning', fix: expect.stringContaining('listing --use events') });
  expect(gone.unsound).toEqual([]);
  expect(gone.api).toMatchObject({ fellBackAt });

  // The API is back, and no run tries it.
  local.stack.mailgun.misbehave({});
  await happen();
  expect((await said()).listing).toMatchObject({ fellBackAt });

  expect((await reported('listing', '--use', 'logs')).exitCode).toBe(2);
  const back = await reported('listing', '--use', 'events');
  expect(listingLine.parse(back.lines[0])).toMatchObject({ fellBackAt: null, wentBack: true });
  await happen();
  const after = await said();
  expect(after.listing).toMatchObject({ fellBackAt: null, announced: null, wentBack: false });
  expect([after.status, after.doctor]).toMatchObject(['', { state: 'ok' }]);
}, 120_000);
