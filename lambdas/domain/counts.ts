/** Events by type, or by whatever names them; an absent name counts zero. */
export type Counts = Record<string, number>;

/** Adds to one number; a number that becomes zero is left out. */
export function add(counts: Counts, name: string, by = 1): void {
  const sum = numberOf(counts, name) + by;
  if (sum > 0)
    Object.defineProperty(counts, name, { value: sum, enumerable: true, writable: true, configurable: true });
  else delete counts[name];
}

/** Returns the number under a name, 0 where it is absent. */
export function numberOf(counts: Counts, name: string): number {
  return Object.hasOwn(counts, name) ? (counts[name] as number) : 0;
}

/** Returns the sum over all names. */
export function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Returns the names that any of the objects has, sorted, each once. */
export function sortedNames(...all: object[]): string[] {
  return [...new Set(all.flatMap((each) => Object.keys(each)))].sort();
}
