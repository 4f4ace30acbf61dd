const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
/** Characters that a local part cannot hold without quotation marks: they separate addresses or add a comment to one. */
const BARE = String.raw`[^\s@<>(),:;\[\]\\\u0000-\u001f\u007f]+`;
const ADDRESS = new RegExp(`^(?:${QUOTED}|${BARE})@${BARE}$`, 'u');
const NAMED = new RegExp(`^(?:${QUOTED}|[^<>"])*<([^<>]*|${QUOTED}@[^<>]*)>$`, 'u');

/**
 * Returns the one address that a text holds, or undefined: also of `Name <ada@example.org>`. A blank outside of
 * quotation marks is a plus sign that was not escaped, which is how a query string reads it.
 */
export function parseAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const address = withPluses(NAMED.exec(trimmed)?.[1]?.trim() ?? trimmed);
  return ADDRESS.test(address) ? address : undefined;
}

function withPluses(address: string): string {
  const at = address.startsWith('"') ? 0 : address.lastIndexOf('@');
  return address.slice(0, at).replaceAll(' ', '+') + address.slice(at);
}
