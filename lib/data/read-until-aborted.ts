import { AbortError } from '../errors.js';
import { throwIfAborted } from '../steps.js';

/**
 * The values of an iterable until the signal says stop, also while one is waited for that never comes. The iterable
 * is told to end in either case.
 */
export async function* readUntilAborted<T>(
  values: AsyncIterable<T> | Iterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  throwIfAborted(signal);
  const iterator =
    Symbol.asyncIterator in values ? values[Symbol.asyncIterator]() : values[Symbol.iterator]();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new AbortError(signal?.reason));
    signal?.addEventListener('abort', stop, { once: true });
  });
  // Where nothing waits for it, it is no failure.
  aborted.catch(() => undefined);
  let isDone = false;
  try {
    for (;;) {
      const result = await Promise.race([iterator.next(), aborted]).catch((cause: unknown) => {
        isDone = !(cause instanceof AbortError);
        throw cause;
      });
      if (result.done === true) {
        isDone = true;
        return;
      }
      yield result.value;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    if (!isDone) {
      const ending = (async () => iterator.return?.())().catch(() => undefined);
      // One that hangs would never answer.
      if (signal?.aborted !== true) await ending;
    }
  }
}
