/** Mailgun's waits after a refusal, in seconds; it posts `delivered` once. */
const WAITS = [600, 600, 900, 1800, 3600, 7200, 14_400];
const LONGEST = Math.max(...WAITS) + 1;

/** Posts that Mailgun makes again at a second, and the second of their first. */
export interface Repeat {
  readonly attempt: number;
  readonly firstAt: number;
  readonly count: number;
}

/** What Mailgun posts again: a ring of seconds for each attempt. */
export class Retries {
  readonly #due = WAITS.map(() => new Float64Array(LONGEST));
  waiting = 0;

  /** Returns and takes what is due in a second. */
  take(atSecond: number): Repeat[] {
    const repeats: Repeat[] = [];
    let waited = 0;
    for (const [attempt, ring] of this.#due.entries()) {
      waited += WAITS[attempt] ?? 0;
      const count = ring[atSecond % LONGEST] ?? 0;
      if (count === 0) continue;
      ring[atSecond % LONGEST] = 0;
      this.waiting -= count;
      repeats.push({ attempt: attempt + 1, firstAt: atSecond - waited, count });
    }
    return repeats;
  }

  /** Notes posts refused at their nth attempt, 0 being the first; returns false where Mailgun gives up. */
  refuse(atSecond: number, attempt: number, count: number): boolean {
    const [ring, wait] = [this.#due[attempt], WAITS[attempt]];
    if (ring === undefined || wait === undefined) return false;
    const slot = (atSecond + wait) % LONGEST;
    ring[slot] = (ring[slot] ?? 0) + count;
    this.waiting += count;
    return true;
  }
}
