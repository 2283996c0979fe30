/**
 * Questions to an ssh server that have no answer yet. Each ends: with its answer, with the connection, or when the server has been silent for too long.
 *
 * ssh2 forgets a question when its channel closes first, so it cannot be left to that library.
 */
import { NetworkError } from './network-error.ts';

type Pending = { readonly reject: (error: NetworkError) => void; readonly patience: number };

export type Traffic = {
  /** Bytes that came from the server. */
  readonly receivedBytes: () => number;
  /** Bytes the kernel has taken while more were waiting; those that leave at once say nothing about the other side. */
  readonly drainedBytes: () => number;
};

export class SshRequests {
  readonly #peer: string;
  readonly #stallMs: number;
  readonly #traffic: Traffic;
  readonly #pending = new Set<Pending>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #onStall: (error: NetworkError) => void;
  #failure: NetworkError | undefined;
  #received = 0;
  #drained = 0;
  #lookedAtMs = performance.now();
  /** How long nothing came. */
  #silentMs = 0;
  /** How long no question was answered and no waiting byte left. */
  #stuckMs = 0;

  /** @param onStall ends the connection; called at most once. */
  constructor(options: { peer: string; stallMs: number; traffic: Traffic; onStall: (error: NetworkError) => void }) {
    this.#peer = options.peer;
    this.#stallMs = options.stallMs;
    this.#traffic = options.traffic;
    this.#onStall = options.onStall;
    const stepMs = Math.max(20, Math.min(1000, options.stallMs / 10));
    this.#timer = setInterval(() => this.#look(2 * stepMs), stepMs);
  }

  /**
   * @param send gives the question to ssh2, and what takes the answer.
   * @param patience how many times the stall limit the server may think about it.
   * @throws what `send` throws; NetworkError when the connection is gone. What ssh2 gives as an error rejects as it is.
   */
  ask<T>(send: (answer: (error: unknown, value?: T) => void) => void, patience = 1): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      if (this.#pending.size === 0) this.#stuckMs = 0;
      const pending = { reject, patience };
      this.#pending.add(pending);
      const answer = (error: unknown, value?: T) => {
        if (!this.#pending.delete(pending)) return;
        this.#stuckMs = 0;
        if (error === undefined || error === null) resolve(value as T);
        else reject(error);
      };
      try {
        send(answer);
      } catch (error) {
        answer(error);
      }
    });
  }

  /** The connection is gone: all questions end, and every later one. */
  fail(error: NetworkError): void {
    clearInterval(this.#timer);
    this.#failure ??= error;
    for (const { reject } of this.#pending) reject(this.#failure);
    this.#pending.clear();
  }

  /** @param mostMs what one look adds: time in which this program itself was held up is not the server's. */
  #look(mostMs: number): void {
    const now = performance.now();
    const passedMs = Math.min(now - this.#lookedAtMs, mostMs);
    const received = this.#traffic.receivedBytes();
    const drained = this.#traffic.drainedBytes();
    const moved = drained !== this.#drained;
    this.#silentMs = moved || received !== this.#received ? 0 : this.#silentMs + passedMs;
    this.#stuckMs = moved || this.#pending.size === 0 ? 0 : this.#stuckMs + passedMs;
    [this.#lookedAtMs, this.#received, this.#drained] = [now, received, drained];
    const patience = Math.max(1, ...[...this.#pending].map((pending) => pending.patience));
    if (Math.max(this.#silentMs, this.#stuckMs / patience) <= this.#stallMs) return;
    const error = new NetworkError('network/stalled', `Cannot go on with ${this.#peer}: no answer for ${this.#stallMs} ms`);
    this.fail(error);
    this.#onStall(error);
  }
}
