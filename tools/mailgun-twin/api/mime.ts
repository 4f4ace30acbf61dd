/** The headers of a MIME message, unfolded, by their names in lower case; of a repeated one every value. */
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
