/** A thread of this program that both sides can talk to. Messages are plain data and shared memory. */

/** The side that started it: it may block, so it looks for answers itself. */
export interface Thread {
  post(message: unknown): void;
  /** The oldest message that has come, without waiting; `undefined`: none. */
  take(): unknown;
  /** True: it came to an end, of itself or by an error. One that could not even start may never say so. */
  readonly hasEnded: boolean;
  end(): void;
}

/** The thread's own side, with an event loop. */
export interface ThreadPort {
  post(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Nothing more will come: the thread may end when it has nothing left to do. */
  close(): void;
}
