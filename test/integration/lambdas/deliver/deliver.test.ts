import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { openClients } from '../../../../cli/target/clients.ts';
import { rotatedSecrets } from '../../../../lambdas/domain/publishing/receiver-secret.ts';
import { type ReceiverServer, startReceiver } from '../../../support/doubles/receiver-server.ts';
import { DOMAIN, deliveredEvent } from '../../../support/fixtures/webhooks.ts';
import { postPatiently, startTestStack } from '../../../support/stacks/local-stack.ts';

// The template, its bundles and its rules, with receivers that each misbehave in another way.

type Stack = Awaited<ReturnType<typeof startTestStack>>;
let good: ReceiverServer;
let bad: ReceiverServer;
let stack: Stack;

beforeAll(async () => {
  [good, bad] = await Promise.all([startReceiver(), startReceiver()]);
  stack = await startTestStack({ publish: { recipients: true }, receivers: [good.url, bad.url] });
});
afterAll(async () => {
  await stack?.stop();
  await Promise.all([good?.close(), bad?.close()]);
});
afterEach(() => {
  for (const receiver of [good, bad]) {
    receiver.respond((response) => void response.writeHead(204).end());
    receiver.received.splice(0);
  }
});

const secretOf = (nth: number) => stack.ready.receivers?.[nth]?.secret ?? '';

/** Posts webhooks of this many messages; returns their message ids. */
async function sendEvents(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `${randomUUID()}@${DOMAIN}`);
  const timestamp = Date.now() / 1000;
  const events = ids.map((id) =>
    deliveredEvent({ id: randomUUID(), timestamp, message: { headers: { 'message-id': id } } }),
  );
  expect(await Promise.all(events.map((event) => postPatiently(stack, event)))).toEqual(ids.map(() => 200));
  return ids;
}

const messagesOf = ({ received }: ReceiverServer) =>
  received.map(({ body }) => String(JSON.parse(body).data.messageId));

/** Waits until the receiver has received every message. */
async function hasReceived(receiver: ReceiverServer, messageIds: readonly string[], times = 1): Promise<void> {
  const missing = () => messageIds.filter((id) => messagesOf(receiver).filter((each) => each === id).length < times);
  for (let waits = 0; missing().length > 0; waits += 1) {
    if (waits > 1200) throw new Error(`not received: ${missing().join(', ')}`);
    await sleep(100);
  }
}

test('each library of the receivers verifies every delivery, and reads the event of the webhook in it', async () => {
  const ids = await sendEvents(5);
  await Promise.all([hasReceived(good, ids), hasReceived(bad, ids)]);

  for (const [nth, receiver] of [good, bad].entries()) {
    for (const { headers, body } of receiver.received) {
      const plain = headers as Record<string, string>;
      expect(new StandardWebhook(secretOf(nth)).verify(body, plain)).toMatchObject({ type: 'message.status.changed' });
      expect(() => new SvixWebhook(secretOf(nth)).verify(body, plain)).not.toThrow();
      expect(() => new StandardWebhook(secretOf(1 - nth)).verify(body, plain)).toThrow();
      expect(headers['webhook-id']).toBe(JSON.parse(body).data.id);
      expect(JSON.parse(body).data.recipient).toEqual(expect.stringContaining('@'));
    }
  }
});

test('a delivery costs two billable writes of the table: the note before it is published, and its attempt', async () => {
  const usage = async () => {
    const { publish, deliver } = (await stack.stats()).byCaller;
    const writes = (publish?.capacity.write ?? 0) + (deliver?.capacity.write ?? 0);
    return { notes: publish?.calls['dynamodb.PutItem'] ?? 0, log: deliver?.calls['dynamodb.UpdateItem'] ?? 0, writes };
  };
  /**
   * Waits until every logged delivery has its attempt too, which comes after the response, and everything is billed.
   */
  const settled = async (notes: number) => {
    for (;;) {
      const used = await usage();
      if (used.notes >= notes && used.log >= used.notes && used.writes >= used.notes + used.log) return used;
      await sleep(100);
    }
  };
  const before = await settled(1);
  const ids = await sendEvents(10);
  await Promise.all([hasReceived(good, ids), hasReceived(bad, ids)]);
  const after = await settled(before.notes + 20);

  expect({
    notes: after.notes - before.notes,
    log: after.log - before.log,
    writes: after.writes - before.writes,
  }).toEqual({ notes: 20, log: 20, writes: 40 });
});

describe('a misbehaving receiver gets each event until it acknowledges, and delays no other:', () => {
  test.each<[name: string, how: Parameters<ReceiverServer['respond']>[0]]>([
    ['responds 500', (response) => void response.writeHead(500).end('oops')],
    ['acts and drops the connection', (response) => void response.destroy()],
    ['redirects', (response) => void response.writeHead(302, { location: good.url }).end()],
    ['asks for time', (response) => void response.writeHead(503, { 'retry-after': '1' }).end()],
    ['never responds', () => {}],
  ])(
    '%s',
    async (_, how) => {
      bad.respond(how);
      const ids = await sendEvents(3);
      await hasReceived(good, ids);
      const receivedByGood = messagesOf(good).filter((id) => ids.includes(id));
      // What comes to it only now would be acknowledged at once, and not come again.
      await hasReceived(bad, ids);
      bad.respond((response) => void response.writeHead(204).end());
      await hasReceived(bad, ids, 2);

      // A redirect would have led there.
      expect(receivedByGood).toHaveLength(ids.length);
      expect(good.received.every(({ headers }) => String(headers.host) === new URL(good.url).host)).toBe(true);
    },
    120_000,
  );
});

test('a response with an endless body acknowledges by its status, and costs one request', async () => {
  bad.respond((response) => {
    response.writeHead(200);
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(4096)));
    };
    response.on('drain', write);
    write();
  });
  const ids = await sendEvents(1);
  await hasReceived(bad, ids);
  await sleep(3000);

  expect(messagesOf(bad)).toEqual(ids);
});

test('every delivery during a rotation verifies with a secret that the receiver holds', async () => {
  const { region, awsEndpointUrl: endpoint, accessKeyId, outputs } = stack.place;
  const { secrets } = openClients({ region, endpoint, credentials: { accessKeyId, secretAccessKey: 'local' } });
  const SecretId = JSON.parse(outputs.Receivers ?? '[]')[0].secretArn as string;
  let held = [secretOf(0)];
  const next = Buffer.from(randomUUID() + randomUUID()).toString('base64');
  let failures = 0;
  good.respond((response, { headers, body }) => {
    const isVerified = held.some((secret) => {
      try {
        new StandardWebhook(secret).verify(body, headers as Record<string, string>);
        return true;
      } catch {
        return false;
      }
    });
    if (!isVerified) failures += 1;
    response.writeHead(isVerified ? 204 : 401).end();
  });
  const before = await sendEvents(5);
  await hasReceived(good, before);
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  const rotated = rotatedSecrets(JSON.parse(SecretString), next, Date.now(), 3_600_000);
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(rotated) }));
  // One process still signs with the old secret only, as it read it; the receiver does not have the new one yet either.
  await hasReceived(good, await sendEvents(5));
  // A new process reads both, and the receiver may hold either.
  process.kill((await stack.stats()).processes.deliver ?? 0, 'SIGKILL');
  await hasReceived(good, await sendEvents(5));
  held = [`whsec_${next}`];
  await hasReceived(good, await sendEvents(5));

  expect(failures).toBe(0);
  expect(good.received.at(-1)?.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
});
