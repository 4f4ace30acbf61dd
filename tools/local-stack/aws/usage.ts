export interface Capacity {
  readonly write: number;
  readonly read: number;
}

export interface Usage {
  /** Calls by `<service>.<operation>`. */
  readonly calls: Readonly<Record<string, number>>;
  readonly capacity: Capacity;
}

/** Counts calls and consumed capacity, in total and by caller. */
export class UsageMeter {
  readonly #total = emptyTally();
  readonly #byCaller = new Map<string, Tally>();
  #repeats = 0;

  called(caller: string, call: string): void {
    for (const tally of this.#talliesOf(caller)) tally.calls.set(call, (tally.calls.get(call) ?? 0) + 1);
  }

  consumed(caller: string, { write, read }: Capacity): void {
    for (const tally of this.#talliesOf(caller)) {
      tally.write += write;
      tally.read += read;
    }
  }

  repeated(): void {
    this.#repeats += 1;
  }

  /** Returns the number of calls that were client retries; they are included in all calls. */
  repeats(): number {
    return this.#repeats;
  }

  total(): Usage {
    return asUsage(this.#total);
  }

  byCaller(): Record<string, Usage> {
    return Object.fromEntries([...this.#byCaller].map(([caller, tally]) => [caller, asUsage(tally)]));
  }

  #talliesOf(caller: string): Tally[] {
    const own = this.#byCaller.get(caller) ?? emptyTally();
    this.#byCaller.set(caller, own);
    return [this.#total, own];
  }
}

interface Tally {
  readonly calls: Map<string, number>;
  write: number;
  read: number;
}

const emptyTally = (): Tally => ({ calls: new Map(), write: 0, read: 0 });

function asUsage({ calls, write, read }: Tally): Usage {
  return { calls: Object.fromEntries([...calls].sort(([a], [b]) => a.localeCompare(b))), capacity: { write, read } };
}
