// Reads e-mail addresses as people and Mailgun write them.

const LOCAL = /[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]/u.source;
const ONE_ADDRESS = new RegExp(`^(?:${LOCAL}+|"(?:[^"\\\\]|\\\\.)+")@[^\\s<>"(),:;@]+$`, 'u');
const LIST_PART = /(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^",;<>])+/gs;
const QUOTED = /"(?:[^"\\]|\\.?)*("?)|<[^<>]*(>)/gs;

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
  return domain === '' ? address.toLowerCase() : canonical(local, domain);
}

/**
 * Returns the address in `Name <address>`; any other text as it is. Each step looks at a character once: one expression
 * for the whole would go back from every `@`.
 */
export function bareAddress(text: string): string {
  const inBrackets = /^[^<>]*<([^<>]*)>$/.exec(text.trim())?.[1];
  if (inBrackets === undefined) return text;
  const address = inBrackets.trim();
  const lastWord = address.split(/\s/).at(-1) ?? '';
  // Blanks may stand in the local part alone, and neither part is empty.
  const at = lastWord.indexOf('@', address === lastWord ? 1 : 0);
  return at < 0 || at === lastWord.length - 1 ? text : address;
}

/** Returns the addresses of a To header, in their order; `"Hopper, Grace" <grace@example.org>` is one. */
export function addressesIn(header: string): string[] {
  // An unclosed quote only separates. Marked as such, it and each quote behind it are not followed to the end again.
  const text = header.replace(QUOTED, (quoted, end) => (end === '' ? quoted.replaceAll('"', ',') : quoted));
  const parts = (text.match(LIST_PART) ?? []).map((part) => bareAddress(part.replace(/^[^:"<>@]*:/, '')).trim());
  return parts.filter((part) => ONE_ADDRESS.test(part));
}

const WORD = /[\p{L}\p{M}\p{N}-]+/u.source;
/** Longer than any local part. Without a limit the search takes quadratic time: ten seconds for 50,000 characters. */
const MAX_LOCAL_LENGTH = 320;
const MENTION = new RegExp(
  `(${LOCAL}{1,${MAX_LOCAL_LENGTH}}|"(?:[^"\\\\]|\\\\.){1,200}")@(${WORD}(?:(?:\\.|_+)${WORD})*|\\[[^\\]\\s]+\\])`,
  'gu',
);

/** A mailbox that a text names as a whole address; its place in the text. */
interface Mention {
  mailbox: string;
  start: number;
  end: number;
}

/** Returns a text that may be an address, and every address that it names: in a list, in quotes, among words. */
export function withAddressesIn(text: string): string[] {
  return [text, ...addressesIn(text), ...mentionsIn(text).map(({ mailbox }) => mailbox)];
}

/** Replaces a mailbox wherever a text names it as a whole address, in whatever spelling. */
export function withoutMailbox(text: string, address: string, replacement: string): string {
  if (!text.includes('@')) return text;
  const bare = bareAddress(address);
  const [wanted] = mentionsIn(bare);
  if (wanted === undefined || wanted.end - wanted.start < bare.length) return withoutLiteral(text, bare, replacement);
  let rest = '';
  let from = 0;
  for (const { mailbox, start, end } of mentionsIn(text)) {
    if (start < from || mailbox !== wanted.mailbox) continue;
    rest += text.slice(from, start) + replacement;
    from = end;
  }
  return rest + text.slice(from);
}

function mentionsIn(text: string): Mention[] {
  return [...text.matchAll(MENTION)].flatMap(({ 0: mention, 1: local = '', 2: domain = '', index }) => {
    const end = index + mention.length;
    const mentions: Mention[] = [];
    for (let from = 0; from < local.length; from += 1) {
      if (!isBoundary(text, index, local.slice(0, from), text.charAt(end))) continue;
      mentions.push({ mailbox: canonical(local.slice(from), domain), start: index + from, end });
    }
    return mentions;
  });
}

const CLOSING: Readonly<Record<string, string>> = { "'": "'", '`': '`', '*': '*', _: '_', '|': '|', '{': '}' };
const MAX_URL_LENGTH = 4096;

/** Every character valid in a local part belongs to it, except quotes around the address and what precedes it in a URL. */
function isBoundary(text: string, index: number, extra: string, after: string): boolean {
  if (extra === '') return true;
  if (extra.length === 1 && after !== '' && CLOSING[extra] === after) return true;
  if (!'=&/?'.includes(extra.slice(-1))) return false;
  return /\w:\/\/\S*$/.test(text.slice(Math.max(0, index - MAX_URL_LENGTH), index) + extra);
}

function withoutLiteral(text: string, address: string, replacement: string): string {
  const literal = address.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return text.replace(
    new RegExp(`(?<!\\\\|${LOCAL})${literal}(?![\\p{L}\\p{N}-]|\\.[\\p{L}\\p{N}])`, 'giu'),
    replacement,
  );
}

function partsOf(address: string): Mailbox {
  const at = address.lastIndexOf('@');
  return at < 0 ? { local: address, domain: '' } : { local: address.slice(0, at), domain: address.slice(at + 1) };
}

const canonical = (local: string, domain: string) =>
  `${local.toLowerCase().normalize('NFC')}@${canonicalDomain(domain)}`;

const HOST = /^[\p{L}\p{M}\p{N}.-]+$/u;
const BEYOND_ASCII = /[^\p{ASCII}]/u;

/** Only a domain beyond ASCII is converted: a URL would take `1.2` for an IP address. */
function canonicalDomain(domain: string): string {
  const lower = domain.toLowerCase();
  if (!HOST.test(lower) || !BEYOND_ASCII.test(lower)) return lower;
  const url = `http://${lower}`;
  return URL.canParse(url) ? new URL(url).hostname : lower.normalize('NFC');
}
