type Close = () => unknown;

/** Closes what was opened, once and in reverse order; a failure does not keep the rest open. */
export class Disposables {
  readonly #open: Close[] = [];
  #closing: Promise<void> | undefined;

  /** Registers `close`; runs it at once if closing has begun. */
  add(close: Close): void {
    if (this.#closing) void Promise.resolve().then(close).catch(warn);
    else this.#open.push(close);
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#open.toReversed()) {
      try {
        await close();
      } catch (error) {
        warn(error);
      }
    }
  }
}

function warn(error: unknown): void {
  process.stderr.write(`while stopping: ${error instanceof Error ? error.message : String(error)}\n`);
}
