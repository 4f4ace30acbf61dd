// Tables by RFC 4180. Imports nothing: command line and page write them.

/** Characters that a spreadsheet reads as the beginning of a formula. */
const FORMULA = /^[=+\-@\t\r]/;
const TO_QUOTE = /[",\r\n]/;

/**
 * Returns one line of a table, without its end. Text that a spreadsheet would run as a formula gets an apostrophe in
 * front, since senders and recipients choose it; numbers stay as they are.
 */
export function csvLine(values: readonly (string | number | null)[]): string {
  return values.map(field).join(',');
}

function field(value: string | number | null): string {
  if (typeof value === 'number' || value === null) return value === null ? '' : String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return TO_QUOTE.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
