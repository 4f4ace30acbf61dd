import { randomUUID } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { openDeployment } from '../../../../cli/target/open.ts';
import {
  suppressionsIndexLine,
  suppressionsLiftLine,
  suppressionsListLine,
  suppressionsShowLine,
} from '../../../support/cli/json-lines/suppressions.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { formOf, localLedgerForAll } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

const local = localLedgerForAll();

async function happen(...events: object[]): Promise<void> {
  for (const event of events) {
    expect(await postWebhook(local.stack, event)).toBe(200);
  }
  await drained(local.stack);
}

const bounce = (recipient: string, timestamp: number) =>
  deliveredEvent({
    event: 'failed',
    severity: 'permanent',
    reason: 'bounce',
    id: randomUUID(),
    message: { headers: { 'message-id': randomUUID() } },
    recipient,
    timestamp,
  });
const complaint = (recipient: string, timestamp: number) => ({
  ...bounce(recipient, timestamp),
  event: 'complained',
});

async function show(recipient: string) {
  const { exitCode, json } = await local.ledger(['suppressions', 'show', recipient, '--json']);
  expect(exitCode).toBe(0);
  return json().map((line) => suppressionsShowLine.parse(line));
}

async function lift(recipient: string, ...flags: string[]) {
  const { exitCode, json } = await local.ledger(['suppressions', 'lift', recipient, '--yes', '--json', ...flags]);
  return { exitCode, lines: json().map((line) => (exitCode === 0 ? suppressionsLiftLine.parse(line) : line)) };
}

/** Returns the suppressions as an application reads them. */
async function asRead(recipient: string) {
  const { apiUrl, apiToken } = local.stack.ready;
  const headers = { authorization: `Bearer ${apiToken}` };
  return (await fetch(`${apiUrl}/mailgun/suppressions/${encodeURIComponent(recipient)}`, { headers })).json();
}

test('a suppression is shown, lifted, and holds again after a later event only', async () => {
  const recipient = `Ada+${randomUUID()}@example.org`;
  const now = Date.now() / 1000;
  await happen(bounce(recipient, now - 100));
  expect(await show(recipient.toUpperCase())).toMatchObject([
    { event: 'recipient', suppressed: true },
    {
      event: 'suppression',
      domain: DOMAIN,
      kind: 'bounce',
      scope: '*',
      reason: 'bounce',
      active: true,
      liftedAt: null,
    },
  ]);

  expect(await lift(recipient)).toMatchObject({
    exitCode: 0,
    lines: [
      { event: 'lifted', kind: 'bounce', atMailgun: null },
      { event: 'done', lifted: 1, alreadyLifted: 0 },
    ],
  });
  await happen(bounce(recipient, now - 200), bounce(recipient, now - 50));
  expect(await show(recipient)).toMatchObject([{ suppressed: false }, { active: false }]);
  expect(await asRead(recipient)).toMatchObject({ suppressed: false });
  expect(await lift(recipient)).toMatchObject({ exitCode: 0, lines: [{ event: 'done', lifted: 0, alreadyLifted: 1 }] });

  await happen(bounce(recipient, Date.now() / 1000 + 1));
  const [verdict, shown] = await show(recipient);
  expect(verdict).toMatchObject({ suppressed: true });
  const { since, lastAt, liftedAt } = shown as Extract<typeof shown, { event: 'suppression' }>;
  expect(await asRead(recipient)).toMatchObject({ suppressed: true, suppressions: [{ since, lastAt, liftedAt }] });
  expect(shown).toMatchObject({ active: true, since: new Date(Math.floor((now - 200) * 1000)).toISOString() });
  const text = await local.ledger(['suppressions', 'show', recipient]);
  expect(text.lines.join('\n')).toMatch(/is suppressed\.\n.*bounce.*lifted .*suppressed again/s);
  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`;
  expect(text.lines[1]).toMatch(new RegExp(`  bounce  since ${time}, last ${time}, lifted ${time}, suppressed again$`));
  expect(text.lines.join('\n')).not.toContain('failed#');
  // Only what came after the lift.
  expect((await show(recipient)).flatMap((line) => (line.event === 'suppression' ? line.causes : []))).toMatchObject([
    { eventKey: expect.stringMatching(/^failed#/), unconfirmed: false, confirmed: false },
  ]);
  const { lines: all } = await local.ledger(['suppressions', 'show', recipient, '--all']);
  expect(all[1]).toMatch(/suppressed again {2}by failed#\S+$/);
  expect(all.at(-1)).toMatch(/^ {4}failed \S+ \S+ UTC {2}\S+ {2}! not compared yet$/);
});

test('suppressions show states that an address was never mailed, since it may be misspelled', async () => {
  const mailed = `${randomUUID()}@example.org`;
  await happen(deliveredEvent({ id: randomUUID(), recipient: mailed }));
  expect(await show(mailed)).toMatchObject([{ suppressed: false, known: true }]);
  expect((await local.ledger(['suppressions', 'show', mailed])).lines).toEqual([`${mailed} is not suppressed.`]);

  expect(await show('eve@example.org')).toMatchObject([{ suppressed: false, known: false }]);
  expect((await local.ledger(['suppressions', 'show', 'eve@example.org'])).lines).toEqual([
    'eve@example.org is not suppressed, and no mail to it is stored: check its spelling.',
  ]);
});

test('suppressions lift lifts only the named suppressions', async () => {
  const recipient = `${randomUUID()}@example.org`;
  await happen(bounce(recipient, 1_790_000_000), complaint(recipient, 1_790_000_000));

  await lift(recipient, '--kind', 'complaint', '--domain', DOMAIN);

  const lines = (await show(recipient)).filter((line) => line.event === 'suppression');
  expect(lines.map(({ kind, active }) => [kind, active])).toEqual([
    ['bounce', true],
    ['complaint', false],
  ]);
});

test("suppressions lift also deletes the entry on Mailgun's own list, once", async () => {
  const recipient = `${randomUUID()}@example.org`;
  await happen(bounce(recipient, 1_790_000_000));
  const entry = `/v3/${DOMAIN}/bounces/${encodeURIComponent(recipient)}`;
  await local.mailgun(`/v3/${DOMAIN}/bounces`, { method: 'POST', body: formOf({ address: recipient }) });
  expect((await local.mailgun(entry)).status).toBe(200);

  const first = await lift(recipient, '--also-at-mailgun');
  expect(first).toMatchObject({ exitCode: 0, lines: [{ event: 'lifted', atMailgun: 'deleted' }, { lifted: 1 }] });
  expect((await local.mailgun(entry)).status).toBe(404);

  const again = await lift(recipient, '--also-at-mailgun');
  expect(again).toMatchObject({ exitCode: 0, lines: [{ event: 'lifted', atMailgun: 'not-there' }, { lifted: 0 }] });
});

test('suppressions lift lifts nothing if Mailgun fails', async () => {
  const recipient = `${randomUUID()}@example.org`;
  await happen(bounce(recipient, 1_790_000_000));
  local.stack.misbehave({ fails: { mode: '500', percent: 100 } });
  const { exitCode, lines } = await lift(recipient, '--also-at-mailgun');
  local.stack.misbehave({});

  expect({ exitCode, lines }).toEqual({
    exitCode: 1,
    lines: [{ event: 'error', message: expect.stringMatching(/returned 500; try again later$/) }],
  });
  expect(await show(recipient)).toMatchObject([{ suppressed: true }, { active: true }]);
});

test('an address without suppressions is shown as such, and cannot be lifted', async () => {
  expect(await show('unknown@example.org')).toEqual([
    { event: 'recipient', recipient: 'unknown@example.org', suppressed: false, known: false },
  ]);
  expect(await lift('unknown@example.org')).toEqual({
    exitCode: 1,
    lines: [{ event: 'error', message: 'unknown@example.org has no such suppression' }],
  });
});

async function listed(...flags: string[]) {
  const { exitCode, json } = await local.ledger(['suppressions', 'list', '--json', ...flags]);
  expect(exitCode).toBe(0);
  return json().map((line) => suppressionsListLine.parse(line));
}

test('suppressions list holds every active suppression once, and no lifted ones', async () => {
  const [bounced, complained, lifted] = Array.from({ length: 3 }, () => `${randomUUID()}@list.example`);
  const since = '2026-10-01';
  const atSeconds = Date.parse('2026-10-02T08:00:00Z') / 1000;
  await happen(
    ...[bounce(bounced!, atSeconds), bounce(bounced!, atSeconds - 60), complaint(complained!, atSeconds + 60)],
    bounce(lifted!, atSeconds + 120),
  );
  await lift(lifted!);

  const ours = (await listed('--since', since)).filter(
    (line) => line.event === 'suppression' && line.recipient.endsWith('@list.example'),
  );
  expect(ours).toMatchObject([
    { recipient: bounced, kind: 'bounce', since: '2026-10-02T07:59:00.000Z', lastAt: '2026-10-02T08:00:00.000Z' },
    { recipient: complained, kind: 'complaint' },
  ]);
  const later = await listed('--since', '2026-10-02T08:00:30Z', '--kind', 'bounce');
  expect(later.map((line) => 'recipient' in line && line.recipient)).not.toContain(bounced);
  const table = await local.ledger(['suppressions', 'list', '--csv', '--kind', 'complaint', '--since', since]);
  expect(table.lines[0]).toBe('recipient,domain,kind,scope,reason,source,since,lastAt,eventKey');
  expect(table.lines.slice(1).join('\n')).toContain(`${complained},${DOMAIN},complaint,*,,event,`);
  expect(table.errors.join()).toMatch(/in force of/);
});

test('suppressions index adds what an older version stored to the list, and does nothing when repeated', async () => {
  const recipient = `${randomUUID()}@older.example`;
  await happen(bounce(recipient, 1_791_000_000));
  const { client, name } = { client: local.target.clients.table, name: local.target.output('TableName') };
  await client.send(
    new UpdateCommand({
      TableName: name,
      Key: { pk: `SUP#${recipient}`, sk: `${DOMAIN}#bounce#*` },
      UpdateExpression: 'REMOVE recipientKey, recipientAt',
    }),
  );
  const isListed = async () =>
    (await listed()).some((line) => line.event === 'suppression' && line.recipient === recipient);
  expect(await isListed()).toBe(false);

  const index = async () =>
    suppressionsIndexLine.parse((await local.ledger(['suppressions', 'index', '--json'])).json()[0]);
  const { stored, indexed } = await index();
  expect([indexed, await isListed()]).toEqual([1, true]);
  expect(await index()).toEqual({ event: 'indexed', stored, indexed: 0 });
});

test.each([
  [['list', '--kind', 'typo'], /Allowed choices are bounce, complaint, unsubscribe/],
  [['list', '--domain', 'x.example'], /not one of the stack's/],
  [['list', '--since', 'soon'], /--since takes a time like/],
  [['show', 'unknown'], /^"unknown" is not an address/],
  [['show'], /missing required argument 'address'/],
  [['lift', 'a@b.example', '--kind', 'typo'], /Allowed choices are bounce, complaint, unsubscribe/],
  [['lift', 'a@b.example', '--domain', 'x.example'], /not one of the stack's/],
])('suppressions exits with 2 and one sentence for the wrong input %p', async (args, expected) => {
  const { exitCode, errors } = await local.ledger(['suppressions', ...args]);
  expect({ exitCode, errors }).toEqual({ exitCode: 2, errors: [expect.stringMatching(expected)] });
});

test('suppressions lift lifts nothing without confirmation', async () => {
  const recipient = `${randomUUID()}@example.org`;
  await happen(complaint(recipient, 1_790_000_000));
  const command = ['suppressions', 'lift', recipient];
  expect(await local.ledger(command)).toMatchObject({ exitCode: 2, errors: [expect.stringMatching(/needs --yes/)] });
  expect(await local.ledger(command, { ask: async () => 'n' })).toMatchObject({ exitCode: 2 });
  expect(await show(recipient)).toMatchObject([{ suppressed: true }, { active: true }]);
  expect(await local.ledger(command, { ask: async () => 'y' })).toMatchObject({ exitCode: 0 });
  expect(await show(recipient)).toMatchObject([{ suppressed: false }, { active: false }]);
});

test('suppressions reports a stack that does not run in one sentence, with exit code 1', async () => {
  const { exitCode, errors } = await local.ledger(['suppressions', 'show', 'a@b.example'], {
    openDeployment: () => openDeployment({ kind: 'local', port: 1 }),
  });
  expect([exitCode, errors.length]).toEqual([1, 1]);
});
