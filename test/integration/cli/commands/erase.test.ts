import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DeleteMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { createCachedSecret, createErasureKey } from '../../../../lambdas/adapters/aws/secrets.ts';
import { createErasureRepository, createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import { createMessageHistory } from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { createSealStateRepository } from '../../../../lambdas/adapters/table/slice-repository.ts';
import { createEventLookup } from '../../../../lambdas/adapters/table/stored-event-repository.ts';
import { type ChainLink, linkOf } from '../../../../lambdas/domain/archive/manifest.ts';
import { manifestKey, objectKey } from '../../../../lambdas/domain/archive/object-keys.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import {
  decodeQueueMessage,
  encodeQueueMessage,
  type Source,
} from '../../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../../lambdas/domain/json.ts';
import { chainHeadKey, type ItemKey, markerKey, recipientKey } from '../../../../lambdas/domain/keys.ts';
import { erasureHash, tombstoneIdentity } from '../../../../lambdas/domain/recipients/erasure.ts';
import { packEvent, unpackEvent } from '../../../../lambdas/formats/packed-event.ts';
import { openParquetWriter } from '../../../../lambdas/formats/parquet.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { archiveRow, SLICE_START } from '../../../support/archive/archive.ts';
import { type S3Bucket, startS3Bucket } from '../../../support/archive/s3-bucket.ts';
import { runCommand, stubDeployment } from '../../../support/cli/command-line.ts';
import { eraseOn, NO_ARCHIVE } from '../../../support/cli/erase-command.ts';
import { eraseLine } from '../../../support/cli/json-lines/erase.ts';
import { allItems, itemsWith } from '../../../support/cli/table-text.ts';
import type { InjectedFailure } from '../../../support/doubles/crashable-invocation.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

let engines: TestEngines;
let command: ReturnType<typeof eraseOn>;
let erase: typeof command.erase;
let store: ReturnType<typeof createProcess>;
let key: string;

beforeAll(async () => {
  engines = await startTestEngines();
  const { table, secrets, output } = engines;
  const erasureKey = createErasureKey(createCachedSecret(secrets, output('ErasureKeySecretArn'), Date.now));
  key = await erasureKey.read();
  store = createProcess({
    ...LONE_PROCESS,
    records: createEventRepository(table),
    erasures: createErasureRepository(table, erasureKey),
    erasureKey,
    retentionDays: 400,
  });
  command = eraseOn(engines, [engines.dynamodb, engines.queues, engines.secrets]);
  erase = command.erase;
}, 60_000);
afterAll(() => engines?.close());

/** Runs with --json --yes; checks every line against the schema. */
async function erased(recipient: string, trouble?: InjectedFailure) {
  const ended = await command.erased(recipient, trouble);
  const isDead = ended.exitCode !== 0;
  return { ...ended, lines: isDead ? [] : ended.json().map((line) => eraseLine.parse(line)) };
}

const queueMessage = (event: JsonObject, source: Source = 'webhook') => ({
  source,
  receivedAt: NOW_MS,
  domain: DOMAIN,
  event,
});

async function sendToDlq(body: string): Promise<void> {
  await engines.queues.send(new SendMessageCommand({ QueueUrl: engines.output('DeadLettersUrl'), MessageBody: body }));
}

/** Removes and returns the bodies of a queue. */
async function takeAll(output: 'QueueUrl' | 'DeadLettersUrl'): Promise<string[]> {
  const QueueUrl = engines.output(output);
  const bodies: string[] = [];
  for (;;) {
    const messages = await engines.receive(QueueUrl);
    if (messages.length === 0) return bodies;
    for (const { Body = '', ReceiptHandle } of messages) {
      bodies.push(Body);
      await engines.queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

const NO_HASH = '0'.repeat(64);

/** Notes a manifest as the head of the domain's chain until the end of the work, and puts it into a bucket. */
async function withChain<T>(bucket: S3Bucket, work: (link: ChainLink) => Promise<T>, key = 'events/-'): Promise<T> {
  const link = linkOf({
    v: 1,
    kind: 'rewrite',
    domain: DOMAIN,
    sequence: 1,
    previous: null,
    start: 900,
    end: 1800,
    number: 0,
    object: { key, sha256: NO_HASH, bytes: 1, rows: 1 },
    root: NO_HASH,
    slice: null,
    sealedAt: new Date(NOW_MS).toISOString(),
  });
  await createSealStateRepository(engines.table).moveHead(DOMAIN, { sequence: 1, hash: link.hash });
  bucket.objects.set(manifestKey(DOMAIN, 1), Buffer.from(link.text));
  try {
    return await work(link);
  } finally {
    const { client, name } = engines.table;
    await client.send(new DeleteCommand({ TableName: name, Key: chainHeadKey(DOMAIN) }));
    await bucket.close();
  }
}

async function drain(): Promise<void> {
  for (const body of await takeAll('QueueUrl')) {
    const decoded = decodeQueueMessage(body);
    if (!decoded.ok) throw new Error(decoded.reason);
    await store(decoded.message);
  }
}

/** Stores a person's events of most types, in a mail of their own and in one with another recipient. */
async function person(over: JsonObject = {}) {
  const id = randomUUID();
  const recipient = typeof over.recipient === 'string' ? over.recipient : `Ada-${id}@Example.org`;
  const [mine, shared] = [`mine-${id}@${DOMAIN}`, `shared-${id}@${DOMAIN}`];
  const of = (messageId: string, fields: JsonObject) =>
    deliveredEvent({ id: randomUUID(), recipient, message: { headers: { 'message-id': messageId } }, ...fields });
  const to = `Ada <${recipient}>, bob-${id}@example.org`;
  const own = [
    of(mine, { event: 'accepted', tags: [recipient, 'welcome'] }),
    of(mine, { url: `https://example.org/?who=${encodeURIComponent(recipient)}`, event: 'clicked' }),
    of(mine, { event: 'complained', 'user-variables': { mail: recipient } }),
    of(shared, { event: 'failed', severity: 'permanent', reason: 'bounce' }),
    of(shared, { event: 'unsubscribed', tags: ['news'] }),
    deliveredEvent({ id: randomUUID(), recipient, message: undefined }),
  ];
  const others = [
    of(shared, { recipient: `bob-${id}@example.org`, message: { headers: { 'message-id': shared, to } } }),
    of(shared, { recipient: `x${recipient}` }),
  ];
  return { id, recipient, mine, shared, own, others, of };
}

async function storeAll({ own, others }: Awaited<ReturnType<typeof person>>): Promise<void> {
  for (const event of [...own, ...others]) await store(queueMessage(event));
}

async function historyOf(messageId: string) {
  const { entries } = await createMessageHistory(engines.table).page(messageId, 100);
  const all = [...entries];
  return {
    events: all.flatMap((entry) => ('event' in entry ? [entry.event] : [])),
    statuses: all.flatMap((entry) => ('status' in entry ? [entry.status] : [])),
  };
}

const endOf = (lines: readonly { event: string }[]) => lines.at(-1);
const tombstonesOf = async (recipient: string) =>
  (await allItems(engines.table)).filter(({ sk }) => `${sk}`.includes(erasureHash(key, recipient)));

describe('erase', () => {
  test('leaves tombstones that count like the events, and no personal data', async () => {
    const ada = await person();
    await storeAll(ada);
    const before = await allItems(engines.table);
    const { exitCode, lines } = await erased(ada.recipient.toUpperCase());

    expect(exitCode).toBe(0);
    expect(endOf(lines)).toEqual({
      event: 'erased',
      events: 6,
      statuses: 3,
      suppressions: 3,
      mentions: 1,
      shared: 0,
      deadLetters: 0,
      hidden: 0,
      kept: 0,
      queued: 0,
    });
    // The other address contains this one, and must stay.
    const rest = await itemsWith(engines.table, ada.recipient);
    expect(rest.every((name) => name.includes(`R#xada-${ada.id}`))).toBe(true);
    expect(rest).toHaveLength(2);
    for (const event of ada.own) {
      const { partition, eventSort } = identify(event, DOMAIN);
      const original = before.find(({ pk, sk }) => pk === partition && sk === eventSort);
      const tombstone = (await tombstonesOf(ada.recipient)).find(
        ({ sk }) => sk === tombstoneIdentity({ eventSort }, key).eventSort,
      );
      const { raw, sk: _sk, ...rest } = tombstone ?? {};
      const { raw: _raw, sk: _originalSk, ...kept } = original ?? {};
      expect(rest).toEqual(kept);
      expect(
        Object.keys(unpackEvent(raw as Uint8Array, tombstone as unknown as ItemKey)).every((name) =>
          KEPT.includes(name),
        ),
      ).toBe(true);
    }
  });

  test('keeps the events of others, without the address', async () => {
    const ada = await person();
    await storeAll(ada);
    await erased(ada.recipient);
    const { events, statuses } = await historyOf(ada.shared);

    expect(statuses.map(({ recipient }) => recipient).toSorted()).toEqual([
      `bob-${ada.id}@example.org`,
      `x${ada.recipient}`,
    ]);
    const bob = events.find(({ event }) => event.recipient === `bob-${ada.id}@example.org`);
    expect(bob?.event).toEqual({
      ...ada.others[0],
      message: { headers: { 'message-id': ada.shared, to: `Ada <erased>, bob-${ada.id}@example.org` } },
    });
  });

  test('stores later events of the recipient as a tombstone, once', async () => {
    const ada = await person();
    await storeAll(ada);
    await erased(ada.recipient);
    const count = async () => (await tombstonesOf(ada.recipient)).length;
    const before = await count();
    for (const event of ada.own) await store(queueMessage(event, 'reconcile'));
    expect(await count()).toBe(before);
    await store(queueMessage(ada.of(ada.mine, { event: 'opened' })));
    expect(await count()).toBe(before + 1);
    expect(await itemsWith(engines.table, `"${ada.recipient}"`)).toEqual([]);
  });

  test('an unknown recipient is a success with nothing found, and is marked', async () => {
    const recipient = `unknown-${randomUUID()}@example.org`;
    const { exitCode, lines } = await erased(recipient);

    expect(exitCode).toBe(0);
    expect(lines[0]).toEqual({ event: 'marked', isNew: true });
    expect(endOf(lines)).toMatchObject({ event: 'erased', events: 0, statuses: 0, suppressions: 0, mentions: 0 });
    await store(queueMessage(deliveredEvent({ recipient, id: randomUUID() })));
    expect(await itemsWith(engines.table, recipient)).toEqual([]);
    expect(await tombstonesOf(recipient)).toHaveLength(1);
    const text = await erase([recipient, '--yes']);
    expect(text.lines[0]).toBe('Marked as erased already; going through all of it again.');
  });

  test.each([
    { name: 'over 200 bytes', recipient: () => `${randomUUID()}${'a'.repeat(200)}@Example.org` },
    { name: 'with the separator of keys', recipient: () => `a#b-${randomUUID()}@example.org` },
    { name: 'of an IP address', recipient: () => `${randomUUID()}@[127.0.0.1]` },
    { name: 'with a comma', recipient: () => `a,b-${randomUUID()}@example.org` },
    { name: 'not ASCII', recipient: () => `jürgen.Ö-${randomUUID()}@bücher.example` },
  ])('an address $name', async ({ recipient: make }) => {
    const recipient = make();
    const ada = await person({ recipient });
    await storeAll(ada);
    await sendToDlq(encodeQueueMessage(queueMessage(ada.of(ada.mine, {}))));
    expect((await erased(recipient.toUpperCase())).exitCode).toBe(0);
    await drain();

    const found = [recipient, recipientKey(recipient)].map((text) => itemsWith(engines.table, text));
    const somebodyElse = await itemsWith(engines.table, `x${recipient}`);
    expect((await Promise.all(found)).flat().filter((name) => !somebodyElse.includes(name))).toEqual([]);
    expect(await tombstonesOf(recipient)).toHaveLength(7);
  });

  test.each([
    { name: 'with a trailing dot', odd: (address: string) => `${address}.`, shared: 0 },
    { name: 'in quotes', odd: (address: string) => `'${address}'`, shared: 0 },
    { name: 'beside another', odd: (address: string) => `bob-${address},${address}`, shared: 2 },
  ])('an address that a recipient names $name, stored before and after', async ({ odd, shared }) => {
    const address = `zoe-${randomUUID()}@example.org`;
    const of = (id: string) => queueMessage(deliveredEvent({ recipient: odd(address), id }));
    await store(of(randomUUID()));
    const { exitCode, lines } = await erased(address);

    expect(exitCode).toBe(0);
    expect(endOf(lines)).toMatchObject({ events: 1, statuses: 1, mentions: 0, shared });
    await store(of(randomUUID()));
    expect(await itemsWith(engines.table, address)).toEqual([]);
    expect((await erased(address)).exitCode).toBe(0);
  });

  test('reports where the address stays: in a message id, or a tag of a slice', async () => {
    const recipient = `ada-${randomUUID()}@example.org`;
    await store(queueMessage(deliveredEvent({ recipient, message: { headers: { 'message-id': `id:${recipient}` } } })));
    const { lines } = await erased(recipient);
    expect(endOf(lines)).toMatchObject({ events: 1, kept: 1 });
    const text = await erase([recipient, '--yes']);
    expect(text.lines).toContain('1 items hold the address in a message id, an event id or a tag; these stay.');
  });

  test('keeps the time of a webhook noted on the event or on its tombstone', async () => {
    const ada = await person();
    const [first, second] = ada.own as [JsonObject, JsonObject];
    await store(queueMessage(first, 'reconcile'));
    await store(queueMessage(second, 'reconcile'));
    await createEventLookup(engines.table).noteWebhook(identify(first, DOMAIN), 7);
    await engines.table.client.send(
      new PutCommand({
        TableName: engines.table.name,
        Item: { ...markerKey(erasureHash(key, ada.recipient)), markedAt: 1 },
      }),
    );
    await store(queueMessage(first, 'reconcile'));
    await store(queueMessage(second, 'webhook'));
    await erased(ada.recipient);
    const noted = (await tombstonesOf(ada.recipient)).map(({ webhookAt }) => webhookAt);
    expect(noted.filter((at) => at !== undefined).toSorted()).toEqual([7, NOW_MS].toSorted());
  });

  test('deletes an event only after carrying over a webhook time noted since it was read', async () => {
    const ada = await person();
    const [event] = ada.own as [JsonObject];
    await store(queueMessage(event, 'reconcile'));
    let deletions = 0;
    const { client } = engines.table;
    const send = async (command: unknown) => {
      const isDeletion = command instanceof DeleteCommand && `${command.input.Key?.sk}`.includes('#E#');
      if (isDeletion) deletions += 1;
      if (deletions === 1 && isDeletion) await createEventLookup(engines.table).noteWebhook(identify(event, DOMAIN), 7);
      return client.send(command as never);
    };
    const racing = Object.assign(Object.create(client), { send });
    const clients = { ...NO_ARCHIVE, table: racing, queues: engines.queues, secrets: engines.secrets };
    const target = stubDeployment({ clients, output: engines.output });

    const { exitCode } = await erase([ada.recipient, '--yes'], { openDeployment: async () => target });

    expect([exitCode, deletions]).toEqual([0, 2]);
    expect(await itemsWith(engines.table, ada.recipient)).toEqual([]);
    expect((await tombstonesOf(ada.recipient)).map(({ webhookAt }) => webhookAt)).toEqual([7]);
  });

  test('does not bring an event back when a webhook is noted on it', async () => {
    const ada = await person();
    await storeAll(ada);
    await erased(ada.recipient);
    const before = (await allItems(engines.table)).length;
    for (const event of ada.own) {
      expect(await createEventLookup(engines.table).noteWebhook(identify(event, DOMAIN), 1)).toBe(false);
    }
    expect(await allItems(engines.table)).toHaveLength(before);
  });

  test('erases items of an earlier release as well', async () => {
    const ada = await person();
    const [event] = ada.own as [JsonObject];
    const { partition, eventSort } = identify(event, DOMAIN);
    const place = { pk: partition, sk: eventSort };
    const old = { ...place, raw: packEvent(event, place), source: 'webhook', receivedAt: 1, expiresAt: 2 };
    await engines.table.client.send(new PutCommand({ TableName: engines.table.name, Item: old }));
    await erased(ada.recipient);
    expect(await itemsWith(engines.table, ada.recipient)).toEqual([]);
    expect(await tombstonesOf(ada.recipient)).toMatchObject([{ pk: partition, source: 'webhook' }]);
  });
});

const KEPT = [
  ...['event', 'id', 'domain', 'severity', 'reason', 'failure-class', 'delivery-status'],
  ...['recipient-provider', 'client-info', 'flags', 'tags'],
];

describe('messages in the DLQ', () => {
  test("are erased: the recipient's become tombstones, others lose the address or stay", async () => {
    const ada = await person();
    const event = ada.of(ada.mine, {});
    const bob = ada.others[0] as JsonObject;
    const carol = encodeQueueMessage(queueMessage(deliveredEvent({ recipient: `carol-${ada.id}@example.org` })));
    const strange = JSON.stringify({ v: 99, to: ada.recipient });
    for (const body of [
      encodeQueueMessage(queueMessage(event)),
      encodeQueueMessage(queueMessage(bob)),
      carol,
      strange,
      '{',
    ]) {
      await sendToDlq(body);
    }
    const { lines } = await erased(ada.recipient);

    expect(lines).toContainEqual({ event: 'dead-letters', received: 5, sentBack: 2, deleted: 1, hidden: 0 });
    expect((await takeAll('DeadLettersUrl')).toSorted()).toEqual([carol, '{'].toSorted());
    await drain();
    expect(await itemsWith(engines.table, ada.recipient)).toEqual([]);
    expect(await tombstonesOf(ada.recipient)).toHaveLength(1);
    expect((await historyOf(ada.shared)).events).toHaveLength(1);
  });
});

describe('the plan of erase', () => {
  test('counts, and changes nothing', async () => {
    const ada = await person();
    await storeAll(ada);
    const before = await allItems(engines.table);
    const { exitCode, json } = await erase([ada.recipient, '--plan', '--json']);

    expect(exitCode).toBe(0);
    const [line, ...others] = json().map((each) => eraseLine.parse(each));
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      event: 'plan',
      messages: 3,
      events: 6,
      statuses: 3,
      suppressions: 3,
      mentions: 1,
      deadLetters: 0,
      items: before.length,
    });
    expect(line?.event === 'plan' && line.cost).toBeGreaterThan(0);
    expect(await allItems(engines.table)).toEqual(before);
  });

  test('is printed before the prompt, and nothing is erased without confirmation', async () => {
    const ada = await person();
    await storeAll(ada);
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      return 'n';
    };
    const no = await erase([ada.recipient], { ask });
    expect(no).toMatchObject({ exitCode: 2, errors: ['stopped'] });
    expect(no.lines[0]).toBe('Plan: nothing was changed.');
    expect(questions).toEqual(['Erase this recipient from a stub permanently? [y/N] ']);
    expect(await erase([ada.recipient])).toMatchObject({
      exitCode: 2,
      errors: ['not confirmed: Erase this recipient from a stub permanently? Without a terminal it needs --yes'],
    });
    const { Item } = await engines.table.client.send(
      new GetCommand({ TableName: engines.table.name, Key: markerKey(erasureHash(key, ada.recipient)) }),
    );
    expect(Item).toBeUndefined();
    expect((await erase([ada.recipient], { ask: async () => 'y' })).exitCode).toBe(0);
    expect((await itemsWith(engines.table, ada.recipient)).every((name) => name.includes('#xada-'))).toBe(true);
  });
});

test('erase waits for one visibility timeout between marker and sweep', async () => {
  const sleeps: number[] = [];
  await erase([`a-${randomUUID()}@example.org`, '--yes'], {
    sleep: async (ms) => {
      sleeps.push(ms);
    },
  });
  expect(sleeps.reduce((sum, ms) => sum + ms, 0)).toBe(181_000);
});

test('an interrupted erase prints how to continue', async () => {
  const stop = new AbortController();
  const ended = await erase([`a-${randomUUID()}@example.org`, '--yes', '--json'], {
    signal: stop.signal,
    sleep: async () => stop.abort(),
  });
  expect(ended.exitCode).toBe(1);
  expect(ended.json().at(-1)).toEqual({
    event: 'stopped',
    again: 'npm run ledger -- erase <recipient> --local --port 4010',
  });
});

test('erase killed at any call completes when run again', async () => {
  const prepare = async () => {
    const ada = await person();
    ada.own.splice(0, 2);
    ada.own.splice(1);
    ada.others.splice(1);
    await storeAll(ada);
    await sendToDlq(encodeQueueMessage(queueMessage(ada.of(ada.mine, {}))));
    return ada;
  };
  const clean = await erased((await prepare()).recipient);
  await drain();
  let cells = 0;
  for (let call = 0; call < clean.points.length; call += 1) {
    // The moment after a reply equals the one before the next call.
    for (const moment of ['before', 'committed'] as const) {
      const ada = await prepare();
      const { exitCode } = await erased(ada.recipient, { call, moment, kind: 'crash' });
      const again = await erased(ada.recipient);
      await drain();

      expect([call, moment, again.exitCode]).toEqual([call, moment, 0]);
      const rest = await itemsWith(engines.table, ada.recipient);
      expect(rest).toEqual([]);
      expect(await takeAll('DeadLettersUrl')).toEqual([]);
      expect(await tombstonesOf(ada.recipient)).toHaveLength(2);
      cells += exitCode === 1 ? 1 : 0;
    }
  }
  console.log(`erase: ${clean.points.length} calls (${[...new Set(clean.points)].join(', ')}), ${cells} deaths`);
  expect(cells).toBeGreaterThanOrEqual(clean.points.length);
}, 600_000);

function deploymentWith(bucket: S3Bucket) {
  const { queues, secrets, table } = engines;
  return stubDeployment({
    clients: { ...NO_ARCHIVE, archive: bucket.bucket.client, table: table.client, queues, secrets },
    output: (name) => (name === 'ArchiveBucketName' ? 'archive' : engines.output(name as never)),
  });
}

test('erase that meets an object unlike its seal, or a gap in the chain, says what to put back, and not to go on', async () => {
  const { recipient } = await person();
  const bucket = await startS3Bucket('archive');
  const key = objectKey(DOMAIN, SLICE_START, 0);
  const writer = openParquetWriter();
  writer.add([archiveRow(1, { recipient })]);
  bucket.objects.set(key, await readFile(writer.end().path));
  writer.remove();
  const inArchive = () => erase([recipient, '--yes'], { openDeployment: async () => deploymentWith(bucket) });

  const work = async () => {
    const faulty = await inArchive();
    expect([faulty.exitCode, faulty.lines.join('\n')]).toEqual([
      1,
      expect.stringMatching(/0\.parquet has other bytes than any manifest names[\s\S]*Put back the versions/),
    ]);
    expect(faulty.lines.join('\n')).not.toContain('go on with');
    bucket.objects.delete(manifestKey(DOMAIN, 1));
    const broken = await inArchive();
    expect([broken.exitCode, broken.lines.join('\n')]).toEqual([
      1,
      expect.stringMatching(/broken chain: .*000001\.json, a link of the chain, is not in the bucket/),
    ]);
  };
  await withChain(bucket, work, key);
});

test('erase is not finished where a chain ends in another bucket than the archive, or there is no archive any more', async () => {
  const { recipient } = await person();
  const bucket = await startS3Bucket('archive');
  const inArchive = () => erase([recipient, '--json', '--yes'], { openDeployment: async () => deploymentWith(bucket) });
  const eventsOf = ({ json }: Awaited<ReturnType<typeof erase>>) =>
    json()
      .map((line) => eraseLine.parse(line))
      .filter(({ event }) => /^(archive|erased|stopped)/.test(event));

  await withChain(bucket, async (link) => {
    const reached = await inArchive();
    expect([reached.exitCode, eventsOf(reached).map(({ event }) => event)]).toEqual([0, ['archive', 'erased']]);
    const none = await erase([recipient, '--json', '--yes']);
    const unreached = { event: 'archive-unreached', domains: [DOMAIN] };
    const planned = await erase([recipient, '--json', '--plan']);
    expect([planned.exitCode, planned.json()]).toEqual([
      0,
      expect.arrayContaining([unreached, expect.objectContaining({ event: 'plan' })]),
    ]);
    const stopped = { event: 'stopped', again: expect.stringContaining('erase <recipient>') };
    expect([none.exitCode, eventsOf(none)]).toEqual([1, [unreached, stopped]]);

    bucket.objects.set(manifestKey(DOMAIN, 1), Buffer.from(`${link.text} `));
    const other = await inArchive();
    expect([other.exitCode, eventsOf(other).slice(1)]).toEqual([1, [unreached, stopped]]);
    bucket.objects.delete(manifestKey(DOMAIN, 1));
    expect((await inArchive()).exitCode).toBe(1);
    const text = await erase([recipient, '--yes']);
    expect(text.lines.join('\n')).toContain(`the archive of ${DOMAIN} is not in a bucket of this stack`);
    expect(text.lines.join('\n')).not.toContain('Erased');
    const { queues, secrets, table } = engines;
    const clients = { ...NO_ARCHIVE, table: table.client, queues, secrets };
    const target = stubDeployment({ clients, output: engines.output });
    const given = await runCommand(['give-up-archive', '--local', '--reason', 'deleted', '--yes'], {
      openDeployment: async () => target,
    });
    expect(given.exitCode).toBe(0);
    expect((await erase([recipient, '--yes'])).exitCode).toBe(0);
  });
});
