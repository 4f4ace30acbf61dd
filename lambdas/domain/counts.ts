/** Events by type, or by whatever names them; what is not there is none. */
export type Counts = Record<string, number>;

/** Adds to one number; a number that comes to nothing is left out. */
export function add(counts: Counts, name: string, by = 1): void {
  const sum = (Object.hasOwn(counts, name) ? (counts[name] as number) : 0) + by;
  if (sum > 0)
    Object.defineProperty(counts, name, { value: sum, enumerable: true, writable: true, configurable: true });
  else delete counts[name];
}

export function numberOf(counts: Counts, name: string): number {
  return Object.hasOwn(counts, name) ? (counts[name] as number) : 0;
}

export function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The greater number of each name: neither side shrinks. */
export function greatest(a: Counts, b: Counts): Counts {
  const joined: Counts = {};
  for (const name of sortedNames(a, b)) add(joined, name, Math.max(numberOf(a, name), numberOf(b, name)));
  return joined;
}

/** What `a` holds beyond `b`. */
export function difference(a: Counts, b: Counts): Counts {
  const rest: Counts = {};
  for (const name of sortedNames(a)) add(rest, name, Math.max(0, numberOf(a, name) - numberOf(b, name)));
  return rest;
}

/** Whether some number of `a` is less than in `b`. */
export function isLessThan(a: Counts, b: Counts): boolean {
  return Object.keys(b).some((name) => numberOf(a, name) < numberOf(b, name));
}

export function sortedNames(...all: object[]): string[] {
  return [...new Set(all.flatMap((each) => Object.keys(each)))].sort();
}
