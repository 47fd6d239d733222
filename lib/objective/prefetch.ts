/**
 * Yields what `read` gives for 0, 1, … `count` − 1, and reads one ahead while the caller works. An error comes in its
 * turn. A caller that stops early waits until the read ahead, which is told by its signal, has ended: nothing goes on
 * behind its back.
 */
export async function* prefetched<T>(
  count: number,
  read: (index: number, signal: AbortSignal) => Promise<T>,
): AsyncGenerator<[index: number, value: T], void, undefined> {
  const stop = new AbortController();
  const start = (index: number): Promise<T> => {
    const reading = read(index, stop.signal);
    // Its error is thrown when its turn comes; until then nobody waits for it.
    reading.catch(() => undefined);
    return reading;
  };
  let next: Promise<T> | null = count > 0 ? start(0) : null;
  try {
    for (let i = 0; next !== null; i++) {
      const value: T = await next;
      next = i + 1 < count ? start(i + 1) : null;
      yield [i, value];
    }
  } finally {
    stop.abort();
    await next?.catch(() => undefined);
  }
}
