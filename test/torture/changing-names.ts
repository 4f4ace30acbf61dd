import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';

// Loaded into each function before its bundle: every second lookup of a name returns a private address, like an
// attacker who redirects a request after it was checked (DNS rebinding).

const PRIVATE = '10.255.255.1';
const { lookup } = dns;
let lookups = 0;

dns.lookup = (async (host: string, options: object) => {
  if (host !== 'localhost') return lookup(host, options);
  lookups += 1;
  return [{ address: lookups % 2 === 1 ? '127.0.0.1' : PRIVATE, family: 4 }];
}) as typeof lookup;
syncBuiltinESMExports();
