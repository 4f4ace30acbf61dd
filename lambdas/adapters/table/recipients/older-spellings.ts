import { domainToASCII, domainToUnicode } from 'node:url';
import { keyPart, recipientKey } from '../../../domain/keys.ts';
import { bareAddress } from '../../../domain/recipients/address.ts';

const ONLY_ASCII = /^\p{ASCII}*$/u;

/** Returns the keys under which a recipient may be stored, today's first; one for nearly every address. */
export function recipientKeys(recipient: string): string[] {
  return [recipientKey(recipient), ...olderRecipientKeys(recipient)];
}

/**
 * Returns the other keys under which an older version stored a recipient: in lower case, but otherwise as sent. None
 * for nearly every address, since only characters beyond ASCII can be spelled in several ways.
 */
export function olderRecipientKeys(recipient: string): string[] {
  const sent = bareAddress(recipient).toLowerCase();
  const at = sent.lastIndexOf('@');
  const [local, domain] = [sent.slice(0, at), sent.slice(at + 1)];
  const unicode = domainToUnicode(domain) || domain;
  if (at < 0 || ONLY_ASCII.test(local + unicode)) return [];
  const spellings = [local.normalize('NFC'), local.normalize('NFD')].flatMap((part) =>
    [domainToASCII(domain) || domain, unicode.normalize('NFC'), unicode.normalize('NFD')].map(
      (host) => `${part}@${host}`,
    ),
  );
  const keys = new Set([sent, ...spellings].map(keyPart));
  keys.delete(recipientKey(recipient));
  return [...keys];
}
