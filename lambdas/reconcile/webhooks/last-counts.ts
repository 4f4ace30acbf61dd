/** The count of each domain as last read. Kept between runs, since no run need reach all domains. */
export type LastCounts = Map<string, number>;

/**
 * Returns the sum over the domains; undefined if it is zero and one of them was never read, which would end an alarm
 * that this one may have raised.
 */
export function sumOfAll(domains: readonly { name: string }[], counts: LastCounts): number | undefined {
  const known = domains.map(({ name }) => counts.get(name));
  const sum = known.reduce<number>((total, count) => total + (count ?? 0), 0);
  return sum === 0 && known.includes(undefined) ? undefined : sum;
}
