import { randomUUID } from 'node:crypto';
import type { CampaignResponse } from '../../../../api/responses/campaign.ts';
import { tableOf } from '../../../../cli/ledger.ts';
import type { Deployment } from '../../../../cli/target/types.ts';
import { createDomainRepository } from '../../../../lambdas/adapters/table/domain-repository.ts';
import { createReconciliationStateRepository } from '../../../../lambdas/adapters/table/reconciliation-state-repository.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import type { EventData } from '../../../../tools/mailgun-twin/traffic/event-parts.ts';
import { reportLine } from '../../../support/cli/json-lines/report.ts';
import { countOfList, type Sent, springMail } from '../../../support/fixtures/spring-campaign.ts';
import { deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { LOCAL_API_KEY, type LocalLedger, startLocalLedger } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

// A campaign of the twin's events, with some webhooks duplicated, reordered and dropped. The report must equal a plain
// count over the twin's list, number by number.

const random = createRandom(25);
const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 420_000;
let local: LocalLedger;
let campaign: Sent[];

beforeAll(async () => {
  local = await startLocalLedger({
    reconcile: {
      source: 'events',
      everySeconds: 600,
      settleSeconds: 1,
      sliceSeconds: 60,
      retentionSeconds: 900,
      fromEpochSeconds: startMs / 1000 - 60,
      mailgunUrl: undefined,
      apiKey: LOCAL_API_KEY,
    },
  });
  const mail = springMail(startMs, random);
  campaign = mail.campaign;
  const all = [...campaign, ...mail.others].map(({ event }) => event);
  local.stack.list(all);
  // One third of the webhooks is dropped, one third doubled, all are reordered.
  const posted = all.flatMap((event, nth) => (nth % 3 === 0 ? [] : nth % 3 === 1 ? [event] : [event, event]));
  for (const event of posted.toSorted(() => random.next() - 0.5))
    expect(await postWebhook(local.stack, event)).toBe(200);
  await drained(local.stack);
  for (let pass = 0; pass < 3; pass += 1) {
    await local.stack.reconcile();
    await drained(local.stack);
  }
}, 120_000);
afterAll(() => local?.stack.stop());

async function report(...flags: string[]) {
  const { exitCode, json } = await local.ledger(['report', 'SPRING', '--json', '--from', '20m', ...flags]);
  expect(exitCode).toBe(0);
  return json().map((line) => reportLine.parse(line));
}

const PATIENCE_MS = 90_000;

/**
 * Reads until what is due is settled (another slice is due every minute); returns the last result at the time limit.
 */
async function settled<Read>(read: () => Promise<Read>, isSettled: (found: Read) => boolean): Promise<Read> {
  for (const untilMs = Date.now() + PATIENCE_MS; ; ) {
    await local.stack.reconcile();
    const found = await read();
    if (isSettled(found) || Date.now() > untilMs) return found;
  }
}

async function asRead(query = '') {
  const { apiUrl, apiToken } = local.stack.ready;
  const headers = { authorization: `Bearer ${apiToken}` };
  return (await fetch(`${apiUrl}/mailgun/campaigns/Spring${query}`, { headers })).json() as Promise<CampaignResponse>;
}

test('the report equals a count over the list, number by number, and the ledger calls it complete', async () => {
  const wanted = countOfList(campaign);
  const lines = await settled(
    () => report(),
    (found) => found.some((line) => line.event === 'report' && line.completeness === 'complete'),
  );
  const sum = lines.find((line) => line.event === 'report');
  expect(sum).toMatchObject({ completeness: 'complete' });
  const { mails, people } = sum as Extract<typeof sum, { event: 'report' }>;

  expect({ mails, people }).toEqual({ mails: wanted.mails, people: wanted.people });
  const failed = lines.filter((line) => line.event === 'failed');
  expect(failed.map(({ recipient }) => recipient).toSorted()).toEqual(
    wanted.failures.map(({ recipient }) => recipient).toSorted(),
  );
  expect(failed.find(({ failureClass }) => failureClass === 'unknown-user')).toMatchObject({
    reason: 'bounce',
    code: '5.1.1',
    text: '5.1.1 There is nobody of this name here',
  });
});

test("the read API's campaign report equals a count over the list", async () => {
  const wanted = countOfList(campaign);
  const { completeness, mails, people, failures, listed } = await settled(
    () => asRead(),
    (found) => found.completeness === 'complete',
  );

  expect(completeness).toBe('complete');
  expect({ mails, people }).toEqual({ mails: wanted.mails, people: wanted.people });
  expect(failures).toHaveLength(wanted.failures.length);
  expect(listed.accepted).toBe(campaign.filter(({ event }) => event.event === 'accepted').length);
  expect((await asRead('?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z')).mails?.mails).toBe(0);
});

test('report prints failed recipients as a table, and its numbers to standard error', async () => {
  const { exitCode, lines, errors } = await settled(
    () => local.ledger(['report', 'spring', '--csv', '--from', '20m']),
    (found) => found.errors[0]?.includes(': complete: ') ?? false,
  );

  expect(exitCode).toBe(0);
  expect(lines[0]).toBe('recipient,messageId,at,failureClass,reason,code,text');
  expect(lines).toHaveLength(1 + countOfList(campaign).failures.length);
  expect(errors.join('\n')).toMatch(/^spring of mg\.example\.com.*: complete: .*\n {2}mails +51\b/s);
});

test('report --plan reads only slices, and prints how many events it would read at what cost', async () => {
  const [line] = await report('--plan');

  const own = campaign.length;
  expect(line).toMatchObject({ event: 'plan', events: expect.any(Number) });
  const { events, dollars } = line as Extract<typeof line, { event: 'plan' }>;
  expect(events).toBeGreaterThan(own);
  expect(dollars).toBeCloseTo(events * 0.5 * (0.125 / 1e6), 12);
});

test('report counts an erased recipient without naming them', async () => {
  const [erased] = countOfList(campaign).failures.filter(({ reason }) => reason === 'bounce');
  const { recipient } = erased as EventData;
  // Nothing is in flight, so there is no visibility timeout to wait for.
  const { exitCode } = await local.ledger(['erase', recipient, '--yes'], { sleep: async () => {} });
  expect(exitCode).toBe(0);

  const wanted = countOfList(campaign);
  const lines = await report();
  const sum = lines.find((line) => line.event === 'report');
  const { mails, people } = sum as Extract<typeof sum, { event: 'report' }>;
  expect({ mails, people }).toEqual({ mails: wanted.mails, people: wanted.people });
  const failed = lines.filter((line) => line.event === 'failed');
  expect(failed.filter(({ recipient: named }) => named === recipient)).toEqual([]);
  expect(failed.filter(({ recipient: named }) => named === null).length).toBeGreaterThan(0);
});

test('report exits with 1 and one sentence for a tag without mail', async () => {
  const { exitCode, lines } = await local.ledger(['report', 'typo', '--from', '20m']);
  expect({ exitCode, lines }).toEqual({
    exitCode: 1,
    lines: [expect.stringMatching(/^No mail was sent under typo of mg\.example\.com/)],
  });
});

test('report counts mail that was neither delivered nor given up as undecided', async () => {
  const moment = (recipient: string, event: object) =>
    deliveredEvent({ id: randomUUID(), recipient, timestamp: Date.now() / 1000, tags: ['pending'], ...event });
  const events = [
    moment('a@example.org', { event: 'accepted' }),
    moment('b@example.org', { event: 'failed', severity: 'temporary' }),
    moment('c@example.org', {}),
    moment('d@example.org', { event: 'failed', severity: 'permanent', reason: 'bounce' }),
  ];
  for (const event of events) expect(await postWebhook(local.stack, event)).toBe(200);
  await drained(local.stack);

  const { exitCode, lines } = await local.ledger(['report', 'pending', '--from', '20m']);
  expect(exitCode).toBe(0);
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}not decided yet +2 {2}50\.0 %$/));
});

test('report of a former domain judges its ledger up to its end', async () => {
  const { target } = local;
  const [domain = ''] = target.domains;
  const repository = createDomainRepository(tableOf(target));
  const leave = async (goneAt: number) => {
    const known = await repository.read();
    await repository.write({ ...known, domains: [{ name: domain, region: 'us', foundAt: 0, goneAt }] }, known);
  };
  const completeness = async (over: Partial<Deployment>) => {
    const openDeployment = async () => ({ ...target, ...over });
    const args = ['report', 'spring', '--json', '--domain', domain, '--from', '90m'];
    const { json } = await local.ledger(args, { openDeployment, now: () => Date.now() + 3_600_000 });
    return json().find(({ event }) => event === 'report')?.completeness;
  };
  const former = { domains: [], furtherDomains: [domain] };
  const position = (await createReconciliationStateRepository(tableOf(target)).readWatermarks(domain))?.position ?? 0;
  expect(await completeness({})).toBe('unknown');
  await leave(position + 1);
  expect(await completeness(former)).toBe('unknown');
  await leave(position);
  expect(await completeness(former)).toBe('complete');
});
