import { randomUUID } from 'node:crypto';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { readSecret } from '../../../../cli/access.ts';
import { tableOf } from '../../../../cli/ledger.ts';
import { markerKey } from '../../../../lambdas/domain/keys.ts';
import { erasureHash } from '../../../../lambdas/domain/recipients/erasure.ts';
import { suppressionsCompareLine } from '../../../support/cli/json-lines/suppressions.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { LOCAL_API_KEY, type LocalLedger, localLedgerForAll } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

const local = localLedgerForAll();

const address = (name: string) => `${name}-${randomUUID().slice(0, 8)}@example.org`;

async function happen(event: string, recipient: string, over: object = {}) {
  const message = { headers: { 'message-id': randomUUID() } };
  const facts = { event, id: randomUUID(), message, recipient, timestamp: Date.now() / 1000 - 60, ...over };
  expect(await postWebhook(local.stack, deliveredEvent(facts))).toBe(200);
  await drained(local.stack);
}

async function addAtMailgun(list: string, entries: object[]) {
  const headers = { 'content-type': 'application/json', authorization: `Basic ${btoa(`api:${LOCAL_API_KEY}`)}` };
  const url = `${local.stack.mailgun.url}/v3/${DOMAIN}/${list}`;
  expect((await fetch(url, { method: 'POST', headers, body: JSON.stringify(entries) })).status).toBe(200);
}

async function compare(flags: readonly string[] = [], context: Parameters<LocalLedger['ledger']>[1] = {}) {
  const { exitCode, json, errors } = await local.ledger(['suppressions', 'compare', '--json', ...flags], context);
  const lines = json().map((line) =>
    exitCode === 2 || 'message' in line ? line : suppressionsCompareLine.parse(line),
  );
  const differences = lines.flatMap((line) =>
    line.event === 'difference' ? [`${line.difference} ${line.kind} ${line.recipient} ${line.scopes}`] : [],
  );
  return { exitCode, errors, lines, differences: differences.sort() };
}

async function isSuppressed(recipient: string, tag?: string): Promise<boolean> {
  const { apiUrl, apiToken } = local.stack.ready;
  const query = new URLSearchParams({ address: recipient, domain: DOMAIN, ...(tag !== undefined && { tag }) });
  const headers = { authorization: `Bearer ${apiToken}` };
  const response = await fetch(`${apiUrl}/mailgun/suppressions?${query}`, { headers });
  return ((await response.json()) as { suppressed: boolean }).suppressed;
}

test('suppressions compare --fix makes both lists agree after a plan', async () => {
  const [before, tags, own] = [address('before'), address('tags'), address('own')];
  // More than a page of entries older than this stack.
  const many = Array.from({ length: 505 }, (_, nth) => ({ address: `old-${nth}@example.org` }));
  await addAtMailgun('complaints', many);
  await addAtMailgun('bounces', [{ address: before, created_at: 'Fri, 21 Oct 2011 11:02:55 UTC' }]);
  await addAtMailgun('unsubscribes', [{ address: tags, tags: ['news'] }]);
  await happen('unsubscribed', tags);
  await happen('complained', own);
  expect([await isSuppressed(before), await isSuppressed(tags, 'receipts')]).toEqual([false, true]);

  const found = await compare();
  expect(found.exitCode).toBe(1);
  expect(found.differences.filter((each) => !each.includes('old-'))).toEqual([
    `not-at-mailgun complaint ${own} *`,
    `not-here bounce ${before} *`,
    `too-wide unsubscribe ${tags} news`,
  ]);
  expect(found.lines.at(-1)).toMatchObject({ listed: 507, stored: 2, differences: 508, fixed: 0 });
  expect(await isSuppressed(before)).toBe(false);

  const fixed = await compare(['--fix', '--yes']);
  expect(fixed.lines.at(-1)).toMatchObject({ differences: 508, fixed: 507 });
  expect([await isSuppressed(before), await isSuppressed('old-504@example.org')]).toEqual([true, true]);
  expect([await isSuppressed(tags, 'news'), await isSuppressed(tags, 'receipts')]).toEqual([true, false]);

  const key = { environment: { LEDGER_MAILGUN_KEY: 'key-0123456789abcdef-that-is-wrong' } };
  expect((await compare([], key)).lines).toMatchObject([{ event: 'error', message: expect.stringMatching(/refuses/) }]);
  const refused = await compare(['--fix', '--also-at-mailgun', '--yes'], key);
  expect(refused).toMatchObject({
    exitCode: 1,
    lines: expect.arrayContaining([expect.objectContaining({ event: 'error' })]),
  });

  const prompts = { readInput: async () => LOCAL_API_KEY };
  const added = await compare(['--fix', '--also-at-mailgun', '--write-key', '--yes'], prompts);
  expect(added).toMatchObject({ exitCode: 0, differences: [`not-at-mailgun complaint ${own} *`] });
  expect((await local.mailgun(`/v3/${DOMAIN}/complaints/${own}`)).status).toBe(200);
  expect(await compare()).toMatchObject({ exitCode: 0, differences: [] });
});

test('suppressions compare does not import an erased recipient', async () => {
  const erased = address('erased');
  await addAtMailgun('bounces', [{ address: erased }]);
  const hash = erasureHash(await readSecret(local.target, 'ErasureKeySecretArn'), erased);
  const { client, name } = tableOf(local.target);
  await client.send(new PutCommand({ TableName: name, Item: markerKey(hash) }));

  const { lines } = await compare(['--fix', '--yes']);

  expect(lines.at(-1)).toMatchObject({ differences: 1, fixed: 0, erased: 1 });
  expect(await isSuppressed(erased)).toBe(false);
  await local.mailgun(`/v3/${DOMAIN}/bounces/${erased}`, { method: 'DELETE' });
});

test('suppressions compare reports a lifted suppression that Mailgun still lists, which stays lifted', async () => {
  const lifted = address('lifted');
  await happen('complained', lifted);
  await addAtMailgun('complaints', [{ address: lifted, created_at: new Date(Date.now() - 60_000).toUTCString() }]);
  expect((await local.ledger(['suppressions', 'lift', lifted, '--yes'])).exitCode).toBe(0);

  const { exitCode, differences } = await compare(['--fix', '--yes']);

  expect({ exitCode, differences }).toEqual({ exitCode: 1, differences: [`lifted-here complaint ${lifted} *`] });
  expect(await isSuppressed(lifted)).toBe(false);
});

test('suppressions compare fixes nothing if a list cannot be read completely', async () => {
  const recipient = address('late');
  await addAtMailgun('bounces', [{ address: recipient }]);
  local.stack.misbehave({ fails: { mode: '500', percent: 100 } });
  const { exitCode, lines } = await compare(['--fix', '--yes'], { sleep: async () => {} });
  local.stack.misbehave({});

  expect([exitCode, lines]).toEqual([1, [{ event: 'error', message: expect.stringMatching(/try again later$/) }]]);
  expect(await isSuppressed(recipient)).toBe(false);
});

test('suppressions compare fixes nothing without confirmation, and refuses a foreign domain', async () => {
  expect((await compare(['--fix'])).exitCode).toBe(2);
  expect((await compare(['--domain', 'other.example.com'])).exitCode).toBe(2);
});
