import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createReceiverClient,
  ForbiddenAddressError,
  isLoopbackAddress,
  isPublicAddress,
} from '../../../../../lambdas/adapters/http/receiver-client.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Longer than any of these responses takes on a busy machine; nothing waits for it. */
const AMPLE_MS = 60_000;
const local = (timeoutMs = AMPLE_MS) => createReceiverClient({ timeoutMs, allowsLoopback: true });
const resolvingTo = (...addresses: string[]) => {
  const lookups: string[] = [];
  const client = createReceiverClient({
    timeoutMs: AMPLE_MS,
    allowsLoopback: false,
    resolve: async (host) => {
      lookups.push(host);
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  });
  return { client, lookups };
};

describe("a receiver's response", () => {
  test('is returned with the start of its body, and the request arrives unchanged', async () => {
    const received: unknown[] = [];
    const port = await listen((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        received.push(request.method, request.url, request.headers.host, request.headers['webhook-id'], body);
        response.writeHead(429, { 'retry-after': '7' }).end('slow\u0000 \u001b[31mdown');
      });
    });
    const result = await local().post(`http://127.0.0.1:${port}/hooks?a=1`, { 'webhook-id': 'x' }, '{"n":1}');

    expect(result).toEqual({ status: 429, retryAfter: '7', text: 'slow   [31mdown' });
    expect(received).toEqual(['POST', '/hooks?a=1', `127.0.0.1:${port}`, 'x', '{"n":1}']);
  });

  test('that redirects is not followed', async () => {
    let elsewhere = 0;
    const target = await listen((_, response) => {
      elsewhere += 1;
      response.end();
    });
    const port = await listen((_, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${target}/` }).end(),
    );

    expect(await local().post(`http://127.0.0.1:${port}/`, {}, '')).toMatchObject({ status: 307 });
    expect(elsewhere).toBe(0);
  });

  test('without an end counts by its status, and is read up to the cap', async () => {
    let sent = 0;
    const closed = Promise.withResolvers<void>();
    const port = await listen((_, response) => {
      response.writeHead(200);
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(1024))) sent += 1024;
      };
      response.on('drain', write).on('close', closed.resolve);
      write();
    });
    const { status, text } = await local().post(`http://127.0.0.1:${port}/`, {}, '');
    await closed.promise;

    expect({ status, kept: text.length }).toEqual({ status: 200, kept: 1024 });
    // What the cap lets through, and what the buffers of both sides hold: until the time is up it would be gigabytes.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test('with a body that hangs counts by its status', async () => {
    const port = await listen((_, response) => void response.writeHead(200).write('begun'));
    const post = (timeoutMs: number) => local(timeoutMs).post(`http://127.0.0.1:${port}/`, {}, '');
    let timeoutMs = 300;
    let result = await post(timeoutMs).catch(() => undefined);
    // On a busy machine the time may be up before the status or the body comes.
    while (result?.text !== 'begun' && timeoutMs < AMPLE_MS) {
      timeoutMs *= 2;
      result = await post(timeoutMs).catch(() => undefined);
    }

    expect(result).toMatchObject({ status: 200, text: 'begun' });
  });

  test('that switches protocols counts by its status, and its connection is closed', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await listen(({ socket }) => {
      socket.on('close', closed.resolve);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nhello');
    });

    const result = await local().post(`http://127.0.0.1:${port}/`, {}, '');
    expect(result).toEqual({ status: 101, retryAfter: undefined, text: '' });
    await closed.promise;
  });

  test('with a body that breaks off counts by its status', async () => {
    const port = await listen((_, response) => {
      response.writeHead(500, { 'content-length': 100 }).write('begun', () => response.destroy());
    });

    expect(await local().post(`http://127.0.0.1:${port}/`, {}, '')).toMatchObject({ status: 500, text: 'begun' });
  });
});

describe('a receiver without a response', () => {
  test('is a timeout if the server hangs', async () => {
    const port = await listen(() => {});
    await expect(local(200).post(`http://127.0.0.1:${port}/`, {}, '')).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('is an error with its code if the server closes the connection', async () => {
    const port = await listen((request) => request.socket.destroy());
    await expect(local().post(`http://127.0.0.1:${port}/`, {}, '')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('is a timeout if the resolver hangs', async () => {
    const client = createReceiverClient({ timeoutMs: 50, allowsLoopback: false, resolve: () => new Promise(() => {}) });
    await expect(client.post('https://a.example/', {}, '')).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe("a receiver's address", () => {
  test.each([
    { url: 'https://127.0.0.1/' },
    { url: 'https://10.0.0.1/' },
    { url: 'https://169.254.169.254/latest/meta-data' },
    { url: 'https://[::1]/' },
    { url: 'https://[::ffff:10.0.0.1]/' },
    { url: 'https://2130706433/' },
    { url: 'https://0x7f.1/' },
    { url: 'http://8.8.8.8/' },
  ])('$url is refused before anything is sent', async ({ url }) => {
    const { client } = resolvingTo();
    await expect(client.post(url, {}, '')).rejects.toBeInstanceOf(ForbiddenAddressError);
  });

  test('is refused if its name has a private address beside a public one', async () => {
    const { client } = resolvingTo('93.184.216.34', '10.0.0.1');
    await expect(client.post('https://a.example/', {}, '')).rejects.toBeInstanceOf(ForbiddenAddressError);
  });

  test('is resolved once, and the checked address is the one that is connected to', async () => {
    const resolutions = [['127.0.0.1'], ['10.0.0.1']];
    let lookups = 0;
    const port = await listen((_, response) => response.writeHead(204).end());
    const client = createReceiverClient({
      timeoutMs: AMPLE_MS,
      allowsLoopback: true,
      resolve: async () => (resolutions[lookups++] ?? []).map((address) => ({ address, family: 4 })),
    });

    expect(await client.post(`http://rebinding.example:${port}/`, {}, '')).toMatchObject({ status: 204 });
    expect(lookups).toBe(1);
  });

  test('may be a loopback address only on the local stack, and never another private one', async () => {
    const port = await listen((_, response) => response.writeHead(204).end());
    const closed = createReceiverClient({ timeoutMs: AMPLE_MS, allowsLoopback: false });
    await expect(closed.post(`http://127.0.0.1:${port}/`, {}, '')).rejects.toBeInstanceOf(ForbiddenAddressError);
    await expect(local().post('http://10.0.0.1/', {}, '')).rejects.toBeInstanceOf(ForbiddenAddressError);
    await expect(local().post('http://169.254.169.254/', {}, '')).rejects.toBeInstanceOf(ForbiddenAddressError);
  });
});

test.each([
  ...['8.8.8.8', '1.1.1.1', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255'],
  ...['11.0.0.0', '169.253.255.255', '223.255.255.255', '2606:4700:4700::1111', '2a00:1450:4001::1'],
])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  ...['0.0.0.0', '10.0.0.1', '10.255.255.255', '100.64.0.1', '127.0.0.1', '127.255.255.255', '169.254.169.254'],
  ...[
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.0.1',
    '198.18.0.1',
    '198.19.255.255',
  ],
  ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', '64:ff9b::7f00:1', 'fc00::1', 'fd00:ec2::254'],
  ...['fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', '100::1'],
  ...['', 'localhost', '0x7f000001', '127.1', '2130706433', '010.0.0.1', 'example.com'],
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test('only loopback addresses count as loopback', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1'].every(isLoopbackAddress)).toBe(true);
  expect(
    ['10.0.0.1', '0.0.0.0', '169.254.169.254', '::ffff:127.0.0.1', '127.0.0.1.nip.io'].some(isLoopbackAddress),
  ).toBe(false);
});
