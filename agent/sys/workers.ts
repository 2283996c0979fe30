/** Threads of this program: the same executable, with a task instead of a command line. */
import { dirname, join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { isThreadStart, joinThread } from './thread.ts';
import type { ThreadPort } from './thread-interface.ts';

const start = isMainThread || !isThreadStart(workerData) ? undefined : workerData;

/** What this thread was started for; undefined on the main thread. */
export const workerTask: unknown = isMainThread ? undefined : start === undefined ? workerData : start.threadTask;

/** How this thread talks to the one that started it; undefined where nobody listens. */
export const workerPort: ThreadPort | undefined = start === undefined ? undefined : joinThread(start);

/**
 * `System.startWorkers`: one thread for each task. They do not keep the process alive. A thread that ends by an error has said so to whom it works for,
 * in the memory they share.
 *
 * @source Bun: a worker begins at once, whether or not this thread returns to its event loop (measured)
 */
export function startWorkers(tasks: readonly unknown[], program?: 'page-worker'): void {
  // Beside the main program, in the executable as among the sources.
  const entry = program === undefined ? Bun.main : join(dirname(Bun.main), program);
  for (const task of tasks) {
    const worker = new Worker(entry, { workerData: task });
    worker.on('error', () => {});
    worker.unref();
  }
}
