/**
 * `work` on every item, at most so many at a time. After a failure nothing new begins; what runs is waited for, and of
 * several errors that of the first item is thrown.
 */
export async function concurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = Infinity;
  let error: unknown;
  const run = async () => {
    while (next < items.length && failed === Infinity) {
      const index = next++;
      try {
        await work(items[index]!, index);
      } catch (cause) {
        if (index > failed) continue;
        failed = index;
        error = cause;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run));
  if (failed < Infinity) throw error;
}
