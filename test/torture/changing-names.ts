import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';

// Loaded into each function before its bundle: a name whose owner lets every second look-up lead into a private
// network, as one does who wants a checked request to go elsewhere.

const PRIVATE = '10.255.255.1';
const { lookup } = dns;
let asked = 0;

dns.lookup = (async (host: string, options: object) => {
  if (host !== 'localhost') return lookup(host, options);
  asked += 1;
  return [{ address: asked % 2 === 1 ? '127.0.0.1' : PRIVATE, family: 4 }];
}) as typeof lookup;
syncBuiltinESMExports();
