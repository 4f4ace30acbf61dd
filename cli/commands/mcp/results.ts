/** A result is read by a model, whose attention is short. */
const MAX_CHARACTERS = 16_000;
const ADDRESS = /([^\s@<>(),:;"'[\]\\])[^\s@<>(),:;"'[\]\\]*@([^\s@<>(),:;"'[\]\\]+)/g;
/** Fields that name a message, an event or a stack, and no person. */
const KEYS = new Set(['messageId', 'key', 'eventKey', 'decidedBy', 'id', 'next', 'cursor', 'domain', 'ledger']);
/** Fields of an event in which senders put anything. */
const FREE = new Set(['userVariables', 'details', 'url', 'subject']);

/** Returns entries as JSON lines, as many as a model reads well; without recipients unless they are wanted. */
export function resultText(entries: readonly unknown[], showsRecipients: boolean): string {
  const lines = entries.map((entry) => JSON.stringify(showsRecipients ? entry : masked(entry)));
  let length = 0;
  const shown = lines.filter((line) => {
    length += line.length + 1;
    return length <= MAX_CHARACTERS;
  });
  const left = lines.length - shown.length;
  if (left === 0) return shown.join('\n') || '{"entries":0}';
  return [...shown, JSON.stringify({ leftOut: left, hint: 'narrow the question, or lower limit' })].join('\n');
}

/** Returns the value with each address as its first letter and its domain, and without free fields. */
export function masked(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(ADDRESS, '$1***@$2');
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !FREE.has(name))
      .map(([name, inner]) => [name, KEYS.has(name) && typeof inner === 'string' ? inner : masked(inner)]),
  );
}
