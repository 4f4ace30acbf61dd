import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import type { ReceiverClient, ReceiverResponse } from '../../deliver/ports.ts';

interface ReceiverClientOptions {
  /** For resolving, connecting, sending and the response together. */
  timeoutMs: number;
  /** Lets plain HTTP reach loopback addresses, and nothing else that is not public; for the local stack. */
  allowsLoopback: boolean;
  /** @default the system's resolver */
  resolve?: (host: string) => Promise<readonly LookupAddress[]>;
}

/** The most that is read of a response; its first KiB is kept. */
const MAX_RESPONSE_BYTES = 65_536;
const MAX_KEPT_BYTES = 1024;

/**
 * Posts to receivers. The name is resolved once and the connection goes to the address that was checked, so that no
 * second look-up can lead elsewhere. Redirects are responses like any other.
 */
export function createReceiverClient({
  timeoutMs,
  allowsLoopback,
  resolve = (host) => lookup(host, { all: true }),
}: ReceiverClientOptions): ReceiverClient {
  return {
    async post(target, headers, body) {
      const url = new URL(target);
      const signal = AbortSignal.timeout(timeoutMs);
      const address = await withinTime(addressOf(url, { allowsLoopback, resolve }), signal);
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const outgoing = send({
        host: address,
        // The certificate must be that of the name, although an address is connected to.
        ...(isIP(url.hostname) === 0 && { servername: url.hostname }),
        port: url.port,
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        // A connection that lives on could be to an address whose name has moved.
        agent: false,
        signal,
        headers: { ...headers, host: url.host, 'content-length': Buffer.byteLength(body) },
      });
      return readResponse(outgoing, body, signal);
    },
  };
}

/** Stops waiting when the signal aborts; the look-up itself cannot be cancelled. */
function withinTime<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

function readResponse(outgoing: ClientRequest, body: string, signal: AbortSignal): Promise<ReceiverResponse> {
  return new Promise((resolve, reject) => {
    let hasStatus = false;
    // Once a status has arrived it counts, even if the body does not end.
    outgoing.on('error', (error) => {
      if (!hasStatus) reject(signal.aborted ? signal.reason : error);
    });
    const finish = ({ statusCode = 0, headers }: IncomingMessage, text: string) => {
      resolve({ status: statusCode, retryAfter: headers['retry-after'], text });
      outgoing.destroy();
    };
    outgoing.once('response', (incoming) => {
      hasStatus = true;
      void readStart(incoming).then((text) => finish(incoming, text));
    });
    // Without a listener Node closes the connection, and neither an error nor the end of the time is reported.
    outgoing.once('upgrade', (incoming) => finish(incoming, ''));
    outgoing.end(body);
  });
}

/** Returns the first KiB as text without control characters; reads a little more, so that short responses end in order. */
async function readStart(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      if (bytes < MAX_KEPT_BYTES) chunks.push(chunk.subarray(0, MAX_KEPT_BYTES - bytes));
      bytes += chunk.length;
      if (bytes >= MAX_RESPONSE_BYTES) break;
    }
  } catch {
    // The connection broke, or the time is up.
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replaceAll(/[\p{Cc}\ufffd-\uffff]/gu, ' ');
}

/** IPv4 ranges that are not on the public internet (IANA special-purpose registry), multicast and reserved ones too. */
const CLOSED_IPV4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/** Global unicast; mapped, translated, unique-local, link-local and multicast addresses are outside of it. */
const OPEN_IPV6: readonly [string, number] = ['2000::', 3];

/** Inside of it: documentation, and tunnels that carry an IPv4 address. */
const CLOSED_IPV6: readonly [string, number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const closedIpv4 = new BlockList();
for (const [net, prefix] of CLOSED_IPV4) closedIpv4.addSubnet(net, prefix, 'ipv4');
const openIpv6 = new BlockList();
openIpv6.addSubnet(...OPEN_IPV6, 'ipv6');
const closedIpv6 = new BlockList();
for (const [net, prefix] of CLOSED_IPV6) closedIpv6.addSubnet(net, prefix, 'ipv6');

/** Returns true for an IP address that anyone on the internet could reach. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !closedIpv4.check(address, 'ipv4');
  return family === 6 && openIpv6.check(address, 'ipv6') && !closedIpv6.check(address, 'ipv6');
}

/** Returns true for an IP address of this machine alone. */
export function isLoopbackAddress(address: string): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(address) || address === '::1';
}

/** The request never left: what the URL names must not be reached. */
export class ForbiddenAddressError extends Error {
  override readonly name = 'ForbiddenAddressError';
}

interface AddressRules {
  /** Lets plain HTTP reach loopback addresses, and nothing else that is not public; for the local stack. */
  allowsLoopback: boolean;
  resolve: (host: string) => Promise<readonly LookupAddress[]>;
}

/** Returns the address to connect to. Throws a `ForbiddenAddressError` where a name has one that must not be reached. */
async function addressOf({ protocol, hostname }: URL, { allowsLoopback, resolve }: AddressRules): Promise<string> {
  const isAllowed = (address: string) => isPublicAddress(address) || (allowsLoopback && isLoopbackAddress(address));
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const found = isIP(host) ? [{ address: host }] : await resolve(host);
  const addresses = found.map(({ address }) => address);
  // One forbidden address among several makes the name forbidden, even if another is public.
  const forbidden = addresses.length === 0 || !addresses.every(isAllowed);
  if (forbidden) throw new ForbiddenAddressError('the name has an address that is not public');
  const isPlain = protocol !== 'https:';
  if (isPlain && !(allowsLoopback && addresses.every(isLoopbackAddress))) {
    throw new ForbiddenAddressError('only https is allowed');
  }
  // Functions outside a VPC have no IPv6.
  return addresses.find((address) => isIP(address) === 4) ?? (addresses[0] as string);
}
