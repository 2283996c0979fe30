/** Waiting for something that may never come. */

/** The longest a timer of JavaScript can be set for. */
const longestMs = 2 ** 31 - 1;

/** @throws what `late` makes, after `limitMs`; whatever `promise` is rejected with. */
export async function within<T>(limitMs: number, promise: Promise<T>, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.min(Math.max(limitMs, 0), longestMs));
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
