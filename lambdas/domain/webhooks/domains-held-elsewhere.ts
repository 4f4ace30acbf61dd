import { createHash } from 'node:crypto';

/** Base64url characters by which a domain is known: 36 bits, so that hundreds fit into an environment of 4,096 bytes. */
const MARK_LENGTH = 6;

const markOf = (domain: string) =>
  createHash('sha256').update(domain.toLowerCase()).digest('base64url').slice(0, MARK_LENGTH);

/** Domains by the environment whose ledger holds them. */
type HeldElsewhere = Readonly<Record<string, readonly string[]>>;

/** Returns `<environment>=<marks>` joined by ";", as many environments as fit, those with the fewest domains first. */
export function encodeHeldElsewhere(held: HeldElsewhere, maxBytes: number): string {
  const parts = Object.entries(held)
    .filter(([, domains]) => domains.length > 0)
    .map(([environment, domains]) => `${environment}=${domains.map(markOf).join('')}`)
    .toSorted((one, another) => one.length - another.length);
  return parts.reduce((text, part) => {
    const longer = text === '' ? part : `${text};${part}`;
    return longer.length <= maxBytes ? longer : text;
  }, '');
}

/** Returns the environment that holds a domain; undefined where none is known to. */
export type HolderOf = (domain: string) => string | undefined;

/** Parses what `encodeHeldElsewhere` wrote. */
export function parseHeldElsewhere(text: string): HolderOf {
  const holders = new Map<string, string>();
  for (const part of text.split(';')) {
    const [environment = '', marks = ''] = part.split('=');
    for (let at = 0; at < marks.length; at += MARK_LENGTH) {
      holders.set(marks.slice(at, at + MARK_LENGTH), environment);
    }
  }
  return (domain) => holders.get(markOf(domain));
}
