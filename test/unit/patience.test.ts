import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { MAX_RETRIES, patientConfig, whileBusy } from '../support/stacks/patience.ts';

/** Returns what is returned of these replies, the last of which stays, and how it got there. */
async function read(...statuses: readonly number[]) {
  let sent = 0;
  const pauses: number[] = [];
  const send = async () => {
    // Without a limit, nothing else ends the test.
    if (sent > 2 * MAX_RETRIES) throw new Error('sent too often');
    const status = statuses[Math.min(sent, statuses.length - 1)] as number;
    sent += 1;
    return { status, headers: new Headers({ 'retry-after': '2' }) };
  };
  const { status } = await whileBusy(send, async (ms) => pauses.push(ms));
  return { status, sent, pauses };
}

test('a test reads a busy API again after the time that it names, until it answers', async () => {
  expect(await read(200)).toEqual({ status: 200, sent: 1, pauses: [] });
  expect(await read(503, 503, 404)).toEqual({ status: 404, sent: 3, pauses: [2000, 2000] });
});

test('a test sees the status of an API that stays busy', async () => {
  expect(await read(503)).toMatchObject({ status: 503, sent: MAX_RETRIES + 1 });
});

test('a client of a test gives up on an engine that never answers', async () => {
  const server = createServer((request) => request.resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new DynamoDBClient({
    ...patientConfig(100),
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  try {
    // On a busy machine even the connection may take longer than that: given up it is either way.
    await expect(client.send(new ListTablesCommand({}))).rejects.toMatchObject({ name: 'TimeoutError' });
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
}, 20_000);
