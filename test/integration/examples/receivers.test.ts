import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { openClients } from '../../../cli/target/clients.ts';
import { rotatedSecrets } from '../../../lambdas/domain/publishing/receiver-secret.ts';
import { type ReceivedRequest, type ReceiverServer, startReceiver } from '../../support/doubles/receiver-server.ts';
import { type ExampleReceiver, prepareExamples, startExample } from '../../support/fixtures/example-receivers.ts';
import { DOMAIN, deliveredEvent } from '../../support/fixtures/webhooks.ts';
import { postPatiently, startTestStack } from '../../support/stacks/local-stack.ts';

// The receivers of examples/, each with its language's library, get the local stack's deliveries. The stack posts to a
// relay, because receivers need an address before it starts and a secret after.

const EXAMPLES = Object.entries(prepareExamples());
const present = EXAMPLES.flatMap(([name, command]) => ('run' in command ? [{ name, ...command }] : []));
for (const [name, command] of EXAMPLES) {
  if ('missing' in command) console.log(`SKIPPED: the receiver in ${name}: ${command.missing}`);
}

let stack: Awaited<ReturnType<typeof startTestStack>>;
const relays: ReceiverServer[] = [];
const examples: ExampleReceiver[] = [];

beforeAll(async () => {
  for (const _ of present) relays.push(await startReceiver());
  stack = await startTestStack({ publish: { recipients: true }, receivers: relays.map(({ url }) => url) });
  for (const [nth, { run }] of present.entries()) {
    const example = await startExample(run, stack.ready.receivers?.[nth]?.secret ?? '');
    examples.push(example);
    relays[nth]?.respond(async (response, received) => {
      const [first, repeat] = [await post(example, received), await post(example, received)];
      // A failed delivery is repeated.
      response.writeHead(first !== 0 && first === repeat ? first : 502).end();
    });
  }
});
afterAll(async () => {
  for (const example of examples) example.stop();
  await stack?.stop();
  await Promise.all(relays.map((relay) => relay.close()));
});

/** Forwards a request byte for byte; returns the status, or 0 without a response. */
function post({ url }: ExampleReceiver, { headers, body }: Pick<ReceivedRequest, 'headers' | 'body'>): Promise<number> {
  return new Promise((resolve) => {
    const length = { 'content-length': Buffer.byteLength(body) };
    const outgoing = request(url, { method: 'POST', agent: false, headers: { ...headers, ...length } });
    outgoing.on('response', (response) => resolve(response.resume().statusCode ?? 0));
    outgoing.on('error', () => resolve(0));
    outgoing.end(body);
  });
}

async function sendEvents(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `${randomUUID()}@${DOMAIN}`);
  for (const id of ids) {
    const over = { id: randomUUID(), timestamp: Date.now() / 1000, message: { headers: { 'message-id': id } } };
    // Other JSON libraries would not escape this letter.
    const reason = { event: 'failed', severity: 'permanent', reason: 'bounce', recipient: `zoë-${id}` };
    expect(await postPatiently(stack, deliveredEvent({ ...over, ...reason }))).toBe(200);
  }
  return ids;
}

/** Waits until a relay has received every message; returns its requests, one for each. */
async function receivedBy(relay: ReceiverServer | undefined, messageIds: readonly string[]) {
  for (let waits = 0; waits < 600; waits += 1) {
    const received = (relay?.received ?? []).map(({ headers, body }) => ({ headers, ...JSON.parse(body) }));
    const about = received.filter(({ data }) => messageIds.includes(data.messageId));
    if (new Set(about.map(({ data }) => data.messageId)).size === messageIds.length) return about;
    await sleep(100);
  }
  throw new Error('not every delivery came');
}

/** Waits until the example has printed every line. */
async function hasActed({ acted = [] }: Partial<ExampleReceiver> = {}, lines: readonly string[]): Promise<void> {
  for (let waits = 0; waits < 200 && !lines.every((line) => acted.includes(line)); waits += 1) await sleep(50);
  expect(acted.filter((line) => lines.includes(line)).toSorted()).toEqual([...lines].toSorted());
}

const linesOf = (about: Awaited<ReturnType<typeof receivedBy>>) => [
  ...new Set(about.map(({ type, data }) => `${type} ${data.id}`)),
];

test.each(present.map(({ name }, nth) => ({ name, nth })))(
  'the receiver in $name verifies every delivery, acts once on each of two repeats, and refuses what is forged',
  async ({ nth }) => {
    await hasActed(examples[nth], linesOf(await receivedBy(relays[nth], await sendEvents(3))));

    const [genuine] = relays[nth]?.received ?? [];
    const forged = { headers: genuine?.headers ?? {}, body: `${genuine?.body} ` };
    expect(await post(examples[nth] as ExampleReceiver, forged)).toBe(401);
  },
  60_000,
);

test('each receiver still verifies by its secret during a rotation', async () => {
  const { region, awsEndpointUrl: endpoint, accessKeyId, outputs } = stack.place;
  const { secrets } = openClients({ region, endpoint, credentials: { accessKeyId, secretAccessKey: 'local' } });
  for (const { secretArn: SecretId } of JSON.parse(outputs.Receivers ?? '[]')) {
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    const next = Buffer.from(randomUUID() + randomUUID()).toString('base64');
    const rotated = rotatedSecrets(JSON.parse(SecretString), next, Date.now(), 3_600_000);
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(rotated) }));
  }
  // A new process reads the secrets; the old one caches them for some minutes.
  process.kill((await stack.stats()).processes.deliver ?? 0, 'SIGKILL');
  const ids = await sendEvents(2);

  for (const [nth, example] of examples.entries()) {
    const about = await receivedBy(relays[nth], ids);
    for (const { headers } of about) expect(headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    await hasActed(example, linesOf(about));
  }
});
