/**
 * How the rest of the machine knows that the run still lives: the main thread says until when it may be silent, and a thread of its own (`guard.ts`) acts when that
 * time, or the time limit, is over. A thread that is stuck in the kernel, waiting for a disk that will not answer, cannot say so itself.
 */
import { imagePaths } from '../config/armed-plan.ts';
import type { System } from '../sys/system.ts';

/** What both threads share: 32-bit words, times in tenths of a second on the main thread's clock. */
export const pulseWords = { silentUntil: 0, state: 1, count: 2 } as const;
/** `run`: guarded. `hold`: a person has the console, so nothing is limited. `end`: the run is over. */
export const pulseStates = { run: 0, hold: 1, end: 2 } as const;

/** How long any step may take that says nothing of its own. */
export const ordinaryMs = 60_000;
/** The file that the script's guard looks at is touched at most this often by the main thread itself. */
const touchEveryMs = 5_000;

export class Pulse {
  readonly shared = new SharedArrayBuffer(pulseWords.count * 4);
  readonly #words = new Int32Array(this.shared);
  readonly #system: System;
  readonly #touches: boolean;
  #nextTouchAt = 0;

  /** @param options.touch the alive file is written: only where the script's guard looks at it. */
  constructor(system: System, options: { readonly touch: boolean }) {
    this.#system = system;
    this.#touches = options.touch;
    this.beat();
  }

  /** There is progress. Cheap. */
  beat(): void {
    this.allow(0);
    if (!this.#touches || this.#system.now() < this.#nextTouchAt) return;
    this.#nextTouchAt = this.#system.now() + touchEveryMs;
    touchAlive(this.#system);
  }

  /** A step begins that may take this long and says nothing meanwhile. */
  allow(milliseconds: number): void {
    const until = Math.ceil((this.#system.now() + ordinaryMs + milliseconds) / 100);
    Atomics.store(this.#words, pulseWords.silentUntil, Math.min(until, 2 ** 31 - 1));
  }

  setState(state: keyof typeof pulseStates): void {
    Atomics.store(this.#words, pulseWords.state, pulseStates[state]);
  }
}

/** The script's guard restarts the machine when this file grows old. */
export function touchAlive({ files, now }: Pick<System, 'files' | 'now'>): void {
  try {
    files.write(imagePaths.alive, `${Math.round(now())}\n`);
  } catch {
    // Without it the script's own limit holds.
  }
}
