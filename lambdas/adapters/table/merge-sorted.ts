/** Sorted streams as one; `isBefore` says which of two goes first, and where neither does, the earlier stream's. */
export async function* mergeSorted<Value>(
  streams: readonly AsyncGenerator<Value>[],
  isBefore: (one: Value, other: Value) => boolean,
): AsyncGenerator<Value> {
  const heads = await Promise.all(streams.map(async (stream) => ({ stream, head: await stream.next() })));
  for (;;) {
    let first: { stream: AsyncGenerator<Value>; value: Value; index: number } | undefined;
    for (const [index, { stream, head }] of heads.entries()) {
      if (!head.done && (first === undefined || isBefore(head.value, first.value))) {
        first = { stream, value: head.value, index };
      }
    }
    if (first === undefined) return;
    yield first.value;
    heads[first.index] = { stream: first.stream, head: await first.stream.next() };
  }
}
