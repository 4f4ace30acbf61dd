/** Lambda takes answers of 6 MB, and writes every quotation mark of this one as two signs. */
const MAX_PAGE_BYTES = 2_500_000;

/** Room of one answer: so many entries, and as many bytes as an answer can hold. The first entry always fits. */
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
