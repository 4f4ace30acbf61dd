/** Returns true if a text is safe in a command to paste: control characters would run or hide a pasted line. */
export function canBeTyped(text: string): boolean {
  return !/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(text);
}

/** Returns a text as one word of a shell, in quotes where it holds what a shell would read. */
export function shellWord(text: string): string {
  return /^[\w@.+:/=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
