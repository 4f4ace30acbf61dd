/** Seconds between Mailgun's attempts after a refusal; `delivered` is posted once. */
const WAITS = [600, 600, 900, 1800, 3600, 7200, 14_400];
const LONGEST = Math.max(...WAITS) + 1;

/** Posts that Mailgun repeats in a second, and the second of their first attempt. */
interface PendingRepeat {
  readonly attempt: number;
  readonly firstAt: number;
  readonly count: number;
}

/** Mailgun's pending retries: a ring buffer of seconds for each attempt. */
export class Retries {
  readonly #due = WAITS.map(() => new Float64Array(LONGEST));
  waiting = 0;

  /** Removes and returns the retries due in a second. */
  take(atSecond: number): PendingRepeat[] {
    const repeats: PendingRepeat[] = [];
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

  /** Schedules retries of posts refused at attempt n (0: the first); returns false if Mailgun gives up. */
  refuse(atSecond: number, attempt: number, count: number): boolean {
    const [ring, wait] = [this.#due[attempt], WAITS[attempt]];
    if (ring === undefined || wait === undefined) return false;
    const slot = (atSecond + wait) % LONGEST;
    ring[slot] = (ring[slot] ?? 0) + count;
    this.waiting += count;
    return true;
  }
}
