/** Returns the unfolded headers of a MIME message by lower-case name, with every value of repeated ones. */
export function mimeHeaders(text: string): ReadonlyMap<string, readonly string[]> {
  const [head = ''] = text.replaceAll('\r\n', '\n').split('\n\n', 1);
  const headers = new Map<string, string[]>();
  for (const line of head.replaceAll(/\n[ \t]+/g, ' ').split('\n')) {
    const [, name, value] = /^([!-9;-~]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  }
  return headers;
}
