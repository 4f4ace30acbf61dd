/** Events by type, or by whatever names them; an absent name counts zero. */
export type Counts = Record<string, number>;

/** Adds to one number; a number that becomes zero is left out. */
export function add(counts: Counts, name: string, by = 1): void {
  const sum = numberOf(counts, name) + by;
  if (sum > 0)
    Object.defineProperty(counts, name, { value: sum, enumerable: true, writable: true, configurable: true });
  else delete counts[name];
}

/** Adds every number of one to another. */
export function addAll(sum: Counts, more: Counts): void {
  for (const [name, count] of Object.entries(more)) add(sum, name, count);
}

/** Returns the number under a name, 0 where it is absent. */
export function numberOf(counts: Counts, name: string): number {
  return Object.hasOwn(counts, name) ? (counts[name] as number) : 0;
}

/** Returns the sum over all names. */
export function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Counts by type, for each name of something. */
export type Rows = Record<string, Counts>;

/** Adds to the count of a type in the row of a name, which may be `__proto__`. */
export function addToRow(rows: Rows, name: string, type: string, count: number): void {
  const row = Object.hasOwn(rows, name) ? (rows[name] as Counts) : {};
  add(row, type, count);
  Object.defineProperty(rows, name, { value: row, enumerable: true, writable: true, configurable: true });
}
