import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface LogLine {
  /** ISO 8601 UTC. */
  readonly at: string;
  /** `<function>[<pid>]`, or another source. */
  readonly source: string;
  readonly line: string;
}

const KEPT_LINES = 20_000;

/** Log lines of functions and gateways: the last ones in memory, all of them in a file. */
export class LogBuffer {
  readonly path: string;
  readonly #file: WriteStream;
  readonly #lines: LogLine[] = [];
  readonly #listeners: ((line: string) => void)[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.path = path;
    this.#file = createWriteStream(path);
  }

  add(source: string, line: string): void {
    const entry = { at: new Date().toISOString(), source, line };
    this.#lines.push(entry);
    this.#bytes += Buffer.byteLength(line);
    if (this.#lines.length > 2 * KEPT_LINES) this.#lines.splice(0, KEPT_LINES);
    this.#file.write(`${entry.at} ${source} ${line}\n`);
    for (const listener of this.#listeners) listener(line);
  }

  /** Calls `listener` with every line from now on. */
  listen(listener: (line: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Reads a stream line by line. */
  follow(source: string, stream: Readable): void {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) =>
      this.add(source, line),
    );
  }

  /** Returns the bytes of all lines so far, without time and source. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the last lines, up to at least `KEPT_LINES`. */
  lines(): readonly LogLine[] {
    return [...this.#lines];
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#file.end(resolve));
  }
}
