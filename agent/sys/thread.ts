/**
 * A thread with an event loop, started by one that blocks: both halves by Node's own means, which Bun has too.
 *
 * The starter never returns to its event loop, so it hears of the thread's end through a word of shared memory that the thread sets on its way out.
 *
 * @source Bun: `exit` is told to a worker that an uncaught error ends, and `receiveMessageOnPort` finds a message as soon as it was posted (measured)
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Thread, ThreadPort } from './thread-interface.ts';

/** What such a thread is started with. */
export type ThreadStart = { readonly threadTask: unknown; readonly threadPort: MessagePort; readonly threadEnded: SharedArrayBuffer };

export function isThreadStart(data: unknown): data is ThreadStart {
  return typeof data === 'object' && data !== null && 'threadPort' in data && 'threadEnded' in data;
}

/** @param entry the program of the thread. It does not keep the process alive. */
export function openThread(entry: string | URL, task: unknown): Thread {
  const { port1, port2 } = new MessageChannel();
  const threadEnded = new SharedArrayBuffer(4);
  const ended = new Int32Array(threadEnded);
  const start: ThreadStart = { threadTask: task, threadPort: port2, threadEnded };
  // Whatever the process was started with (a test: hooks that compile) is not for the thread.
  const worker = new Worker(entry, { workerData: start, transferList: [port2], execArgv: [] });
  worker.on('error', () => Atomics.store(ended, 0, 1));
  worker.unref();
  port1.unref();
  return {
    post: (message) => port1.postMessage(message),
    take: () => (receiveMessageOnPort(port1) as { message: unknown } | undefined)?.message,
    get hasEnded() {
      return Atomics.load(ended, 0) !== 0;
    },
    end() {
      port1.close();
      void worker.terminate();
    },
  };
}

/** The thread's side of it. Called once, on the thread. */
export function joinThread({ threadPort, threadEnded }: ThreadStart): ThreadPort {
  const ended = new Int32Array(threadEnded);
  process.on('exit', () => {
    Atomics.store(ended, 0, 1);
    Atomics.notify(ended, 0);
  });
  return {
    post: (message) => threadPort.postMessage(message),
    onMessage: (listener) => void threadPort.on('message', listener),
    close: () => threadPort.close(),
  };
}
