// Reads e-mail addresses as people and Mailgun write them.

const LOCAL = /[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]/u.source;
const ONE_ADDRESS = new RegExp(`^(?:${LOCAL}+|"(?:[^"\\\\]|\\\\.)+")@[^\\s<>"(),:;@]+$`, 'u');
const NAMED_ADDRESS = /^[^<>]*<\s*([^<>]+@[^<>\s]+)\s*>$/;
const LIST_PART = /(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^",;<>])+/g;

/** An address in its two parts. */
interface Mailbox {
  local: string;
  domain: string;
}

/**
 * Returns the one spelling of a mailbox: lower case, composed (NFC), the domain as on the wire (Punycode), without a
 * display name. A text that is not an address is only lower-cased.
 */
export function mailboxOf(text: string): string {
  const address = bareAddress(text);
  const { local, domain } = partsOf(address);
  return domain === '' ? address.toLowerCase() : `${canonicalLocal(local)}@${canonicalDomain(domain)}`;
}

/** Returns the address in `Name <address>`; any other text as it is. */
export function bareAddress(text: string): string {
  return NAMED_ADDRESS.exec(text.trim())?.[1] ?? text;
}

/** Returns the addresses of a To header, in their order; `"Hopper, Grace" <grace@example.org>` is one. */
export function addressesIn(header: string): string[] {
  const parts = (header.match(LIST_PART) ?? []).map((part) => bareAddress(part.replace(/^[^:"<>@]*:/, '')).trim());
  return parts.filter((part) => ONE_ADDRESS.test(part));
}

const MENTION = new RegExp(`(${LOCAL}+)@([\\p{L}\\p{M}\\p{N}-]+(?:\\.[\\p{L}\\p{M}\\p{N}-]+)*)`, 'gu');
const PLAIN_LOCAL = new RegExp(`^${LOCAL}+$`, 'u');

/** Replaces a mailbox wherever a text names it as a whole address, in whatever spelling. */
export function withoutMailbox(text: string, address: string, replacement: string): string {
  if (!text.includes('@')) return text;
  const { local: wanted, domain: wantedDomain } = partsOf(mailboxOf(address));
  if (!PLAIN_LOCAL.test(wanted)) return withoutLiteral(text, bareAddress(address), replacement);
  return text.replace(MENTION, (mention, local: string, domain: string, offset: number) => {
    if (canonicalDomain(domain) !== wantedDomain || !canonicalLocal(local).endsWith(wanted)) return mention;
    const start = startOfLocal(local, wanted);
    const before = text.slice(Math.max(0, offset - MAX_URL_LENGTH), offset) + local.slice(0, start);
    const after = text.slice(offset + mention.length);
    return isBoundary(before, local.slice(0, start), after) ? local.slice(0, start) + replacement : mention;
  });
}

const CLOSING: Readonly<Record<string, string>> = { "'": "'", '`': '`', '*': '*', _: '_', '|': '|', '{': '}' };
const MAX_URL_LENGTH = 4096;

/** Every character valid in a local part belongs to it, except quotes around the address and what precedes it in a URL. */
function isBoundary(before: string, extra: string, after: string): boolean {
  if (extra === '') return true;
  if (after !== '' && CLOSING[extra] === after[0]) return true;
  return /\w:\/\/\S*[=&/?]$/.test(before);
}

/** Returns the start of the local part: a composed character may be two in the text, so lengths may differ. */
function startOfLocal(local: string, wanted: string): number {
  const first = Math.max(0, local.length - 2 * wanted.length);
  for (let start = first; start < local.length; start += 1) {
    if (canonicalLocal(local.slice(start)) === wanted) return start;
  }
  return local.length;
}

function withoutLiteral(text: string, address: string, replacement: string): string {
  const literal = address.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return text.replace(new RegExp(`(?<!\\\\)${literal}(?![\\p{L}\\p{N}-]|\\.[\\p{L}\\p{N}])`, 'giu'), replacement);
}

function partsOf(address: string): Mailbox {
  const at = address.lastIndexOf('@');
  return at < 0 ? { local: address, domain: '' } : { local: address.slice(0, at), domain: address.slice(at + 1) };
}

const canonicalLocal = (local: string) => local.toLowerCase().normalize('NFC');

const HOST = /^[\p{L}\p{M}\p{N}.-]+$/u;
const BEYOND_ASCII = /[^\p{ASCII}]/u;

/** Only a domain beyond ASCII is converted: a URL would take `1.2` for an IP address. */
function canonicalDomain(domain: string): string {
  const lower = domain.toLowerCase();
  if (!HOST.test(lower) || !BEYOND_ASCII.test(lower)) return lower;
  const url = `http://${lower}`;
  return URL.canParse(url) ? new URL(url).hostname : lower.normalize('NFC');
}
