import { randomUUID } from 'node:crypto';
import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { eventSort, messagePartition } from '../../../../lambdas/domain/keys.ts';
import { distrustLine } from '../../../support/cli/json-lines/distrust.ts';
import { suppressionsShowLine } from '../../../support/cli/json-lines/suppressions.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { localLedgerForAll } from '../../../support/stacks/local-ledger.ts';
import { drained, postWebhook } from '../../../support/stacks/local-stack.ts';

const local = localLedgerForAll();

const oneAddress = () => `ada+${randomUUID()}@example.org`;

/** Sends complaints about different messages, each the given number of seconds ago. */
async function complain(recipient: string, ...secondsAgo: number[]) {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const complaints = secondsAgo.map((ago) => ({ id: randomUUID(), messageId: `${randomUUID()}@${DOMAIN}`, ago }));
  for (const { id, messageId, ago } of complaints) {
    const message = { headers: { 'message-id': messageId } };
    const event = deliveredEvent({ event: 'complained', id, message, recipient, timestamp: nowSeconds - ago });
    expect(await postWebhook(local.stack, event)).toBe(200);
  }
  await drained(local.stack);
  return complaints;
}

/** Marks events as unconfirmed, like the second pass. */
async function mark(recipient: string, complaints: Awaited<ReturnType<typeof complain>>) {
  const { clients, output } = local.target;
  for (const { id, messageId } of complaints) {
    const update = new UpdateCommand({
      TableName: output('TableName'),
      Key: { pk: messagePartition(messageId), sk: eventSort(recipient, `complained#${id}`) },
      ConditionExpression: 'attribute_exists(pk)',
      UpdateExpression: 'SET unconfirmedSince = :now',
      ExpressionAttributeValues: { ':now': Date.now() },
    });
    await clients.table.send(update);
  }
}

async function distrust(messageId: string, ...flags: string[]) {
  const { exitCode, json } = await local.ledger(['distrust', messageId, '--json', ...flags]);
  return { exitCode, lines: json().map((line) => distrustLine.parse(line)) };
}

async function isSuppressed(recipient: string) {
  const { json } = await local.ledger(['suppressions', 'show', recipient, '--json']);
  const [line] = json().map((each) => suppressionsShowLine.parse(each));
  return line?.event === 'recipient' && line.suppressed;
}

test('one distrust run lifts the suppressions of several forged complaints, which do not support each other', async () => {
  const recipient = oneAddress();
  const forged = await complain(recipient, 100, 90, 80);
  await mark(recipient, forged);
  const [, middle, last] = forged;

  expect(await distrust(middle?.messageId ?? '', '--plan')).toMatchObject({
    exitCode: 0,
    lines: [{ unconfirmed: 1 }, { kind: 'complaint', lifts: true, fix: null }, { suppressions: 1, left: 0 }],
  });
  expect(await isSuppressed(recipient)).toBe(true);
  expect((await distrust(middle?.messageId ?? '', '--yes')).exitCode).toBe(0);
  expect(await isSuppressed(recipient)).toBe(false);
  const again = await distrust(last?.messageId ?? '', '--yes');
  expect(again).toMatchObject({ exitCode: 0, lines: [{ unconfirmed: 1 }, { suppressions: 0, left: 0 }] });
});

test.each([
  ['earlier', [1, 2]],
  ['in between', [0, 2]],
  ['later', [0, 1]],
])(
  'a complaint that is not unconfirmed and %s still supports it, and the printed command only shows what a lift would do',
  async (_, marked) => {
    const recipient = oneAddress();
    const complaints = await complain(recipient, 100, 90, 80);
    const forged = complaints.filter((_each, index) => marked.includes(index));
    await mark(recipient, forged);

    const { exitCode, lines } = await distrust(forged[0]?.messageId ?? '', '--yes');
    const fix = `npm run ledger -- suppressions lift --plan --kind complaint --domain ${DOMAIN} --local --port ${local.port} ${recipient}`;
    expect({ exitCode, lines }).toMatchObject({
      exitCode: 1,
      lines: [{ unconfirmed: 1 }, { kind: 'complaint', lifts: false, fix }, { suppressions: 0, left: 1 }],
    });
    expect(await isSuppressed(recipient)).toBe(true);
    const { lines: texts } = await local.ledger(['distrust', forged[0]?.messageId ?? '', '--plan']);
    expect(texts[1]).toBe(
      `${recipient}: complaint at ${DOMAIN} also rests on other events; if those are forged too, this shows what a lift would do: ${fix}`,
    );

    const typed = fix.split(' ').slice(4);
    const flags = typed.filter(
      (word, index) => word !== '--local' && word !== '--port' && typed[index - 1] !== '--port',
    );
    const plan = await local.ledger([...flags, '--json']);
    expect(plan.exitCode).toBe(0);
    expect(plan.json()).toMatchObject([
      { event: 'would-lift', kind: 'complaint' },
      { event: 'plan', count: 1 },
    ]);
    expect(await isSuppressed(recipient)).toBe(true);
    const confirmed = flags.map((word) => (word === '--plan' ? '--yes' : word));
    expect((await local.ledger(confirmed)).exitCode).toBe(0);
    expect(await isSuppressed(recipient)).toBe(false);
  },
);

test('distrust keeps a suppression that was lifted once, and one whose cause left the table', async () => {
  const [lifted, gone] = [oneAddress(), oneAddress()];
  await mark(lifted, await complain(lifted, 100));
  expect((await local.ledger(['suppressions', 'lift', lifted, '--yes'])).exitCode).toBe(0);
  // Later than the lift, as far as Mailgun's clock may be ahead.
  const [forged] = await complain(lifted, -30);
  await mark(lifted, forged ? [forged] : []);
  expect(await distrust(forged?.messageId ?? '', '--yes')).toMatchObject({
    lines: [{}, { lifts: false }, { suppressions: 0, left: 1 }],
  });
  expect(await isSuppressed(lifted)).toBe(true);

  const [older, newer] = await complain(gone, 100, 90);
  await mark(gone, older && newer ? [older, newer] : []);
  await forget(gone, older);
  expect(await distrust(newer?.messageId ?? '', '--plan')).toMatchObject({ lines: [{}, { lifts: false }, {}] });
});

test('a distrusted complaint that comes again newly signed, and dated later, changes neither status nor suppression', async () => {
  const recipient = oneAddress();
  const [forged] = await complain(recipient, 100);
  const { id, messageId = '' } = forged ?? {};
  await mark(recipient, forged ? [forged] : []);
  const statusOf = async () => {
    const { json } = await local.ledger(['why', messageId, '--json']);
    return json().flatMap((line) => ('status' in line && 'because' in line ? [line.status, line.because] : []));
  };
  expect((await local.ledger(['distrust', messageId])).exitCode).not.toBe(0);
  expect((await distrust(messageId, '--yes')).exitCode).toBe(0);
  const discarded = [null, 'What says what became of it was discarded, since Mailgun never listed it.'];
  expect(await statusOf()).toEqual(discarded);

  const message = { headers: { 'message-id': messageId } };
  const timestamp = Math.floor(Date.now() / 1000) - 10;
  const again = deliveredEvent({ event: 'complained', id: id ?? '', message, recipient, timestamp });
  expect(await postWebhook(local.stack, again)).toBe(200);
  await drained(local.stack);

  expect(await statusOf()).toEqual(discarded);
  expect(await isSuppressed(recipient)).toBe(false);
});

async function forget(recipient: string, complaint: Awaited<ReturnType<typeof complain>>[number] | undefined) {
  const { clients, output } = local.target;
  const { messageId = '', id } = complaint ?? {};
  const Key = { pk: messagePartition(messageId), sk: eventSort(recipient, `complained#${id}`) };
  await clients.table.send(new DeleteCommand({ TableName: output('TableName'), Key }));
}
