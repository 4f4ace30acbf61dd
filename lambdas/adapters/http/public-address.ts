import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';

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

export interface AddressRules {
  /** Lets plain HTTP reach loopback addresses, and nothing else that is not public; for the local stack. */
  allowsLoopback: boolean;
  resolve: (host: string) => Promise<readonly LookupAddress[]>;
}

/** Returns the address to connect to. Throws a `ForbiddenAddressError` where a name has one that must not be reached. */
export async function addressOf(
  { protocol, hostname }: URL,
  { allowsLoopback, resolve }: AddressRules,
): Promise<string> {
  const isAllowed = (address: string) => isPublicAddress(address) || (allowsLoopback && isLoopbackAddress(address));
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const found = isIP(host) ? [{ address: host }] : await resolve(host);
  const addresses = found.map(({ address }) => address);
  // One forbidden address among several refuses them all, even if another is public.
  const forbidden = addresses.length === 0 || !addresses.every(isAllowed);
  if (forbidden) throw new ForbiddenAddressError('the name has an address that is not public');
  const isPlain = protocol !== 'https:';
  if (isPlain && !(allowsLoopback && addresses.every(isLoopbackAddress))) {
    throw new ForbiddenAddressError('only https is allowed');
  }
  // Functions outside a VPC have no IPv6.
  return addresses.find((address) => isIP(address) === 4) ?? (addresses[0] as string);
}
