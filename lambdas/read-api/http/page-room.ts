/** Lambda takes responses of 6 MB, and writes every quotation mark of this one as two characters. */
const MAX_PAGE_BYTES = 2_500_000;

/** Room in one response: a number of entries, and the bytes that it can hold. The first entry always fits. */
export class PageRoom {
  #left: number;
  #bytes = 0;

  constructor(most: number) {
    this.#left = most;
  }

  get isFull(): boolean {
    return this.#left <= 0 || this.#bytes >= MAX_PAGE_BYTES;
  }

  take(entry: object): void {
    this.#left -= 1;
    this.#bytes += Buffer.byteLength(JSON.stringify(entry));
  }
}
