const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
/** Mailgun also reports local parts that should have quotation marks, such as `a,b`. */
const LOCAL = String.raw`(?!mailto:)[^\s@<>\u0000-\u001f\u007f]+`;
const DOMAIN = String.raw`(?:[^\s@<>(),:;\[\]\\\u0000-\u001f\u007f]+|\[[^\s@<>\[\]\\\u0000-\u001f\u007f]+\])`;
const ADDRESS = new RegExp(`^(?:${QUOTED}|${LOCAL})@${DOMAIN}$`, 'iu');
/** A separator and a blank behind it: an address in a list or behind a word. */
const LISTED = /^[^"@]*[,;:]\s/;
const NAMED = new RegExp(`^(?:${QUOTED}|[^<>"])*<([^<>]*|${QUOTED}@[^<>]*)>$`, 'u');

/**
 * Returns the one address that a text holds, or undefined: also of `Name <ada@example.org>`. A blank outside of
 * quotation marks is a plus sign that was not escaped, which is how a query string reads it.
 */
export function parseAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const address = withPluses(NAMED.exec(trimmed)?.[1]?.trim() ?? trimmed);
  return ADDRESS.test(address) && !LISTED.test(trimmed) ? address : undefined;
}

function withPluses(address: string): string {
  const at = address.startsWith('"') ? 0 : address.lastIndexOf('@');
  return address.slice(0, at).replaceAll(' ', '+') + address.slice(at);
}
