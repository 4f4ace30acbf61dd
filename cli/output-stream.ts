import type { Writable } from 'node:stream';

/** Lines to a stream that may be slow, or that its reader may leave early. */
export interface OutputStream {
  readonly print: (line: string) => void;
  /** Resolves when the reader has everything, or has left. */
  readonly flushed: () => Promise<void>;
}

/** Opens it; `onClosed` is called once when the reader leaves before the end, as `head` does. */
export function openOutputStream(stream: Writable, onClosed: () => void): OutputStream {
  let isClosed = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!isClosed) onClosed();
    isClosed = true;
  });
  return {
    print(line) {
      if (!isClosed) stream.write(`${line}\n`);
    },
    // The callback of a write runs after those of all earlier writes, and with an error once the reader has left.
    flushed: () => new Promise((resolve) => (isClosed ? resolve() : stream.write('', () => resolve()))),
  };
}
