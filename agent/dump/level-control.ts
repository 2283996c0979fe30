/**
 * How hard to compress, decided while the dump is written: harder while the writer waits for its sink and processors are idle, lighter
 * when it does not wait.
 *
 * Comes in: how long writes took, the clock, how long the processors were idle. Goes out: the level for the next batch of pages. The dump's
 * pages are the same at every level; only its size differs.
 */
import type { Sink } from '../sink/sink.ts';
import { wrapSink } from '../sink/wrap-sink.ts';
import { parseProcessorIdle, type ProcessorIdle } from '../linux/processor-idle.ts';
import type { System } from '../sys/system.ts';

/** zstd, page by page: beyond 9 a page takes ten times as long for less than 1 % of its size. */
const ladder = [-1, 1, 3, 6, 9] as const;
const periodMs = 500;
/** Shares of a period spent in writes: above the first the sink is what is waited for, below the second it is not. */
const muchWaiting = 0.25;
const littleWaiting = 0.05;
/** Of all processors together. Below it there is nothing left to compress harder with: encryption and the network's own work need it. */
const enoughIdle = 0.2;
/** A level that proved too much is left alone for so many periods, then for twice as many, up to the second. */
const shortestBar = 8;
const longestBar = 256;

/** How many pages were compressed at which level, e.g. `{ "-1": 64000, "3": 12800 }`. */
export type PagesByLevel = Readonly<Record<string, number>>;

export type LevelClock = {
  /** Milliseconds of a clock that never jumps. */
  readonly now: () => number;
  /** Of the whole machine; `undefined`: unknown, and then the level does not rise. */
  readonly idle: () => ProcessorIdle | undefined;
};

export class LevelControl {
  readonly #clock: LevelClock;
  readonly #pages = new Map<number, number>();
  /** For each step: how long it is barred after the next failure, and the period at which it may be tried again. */
  readonly #bars = ladder.map(() => ({ periods: shortestBar, until: 0 }));
  #step = 0;
  #period = 0;
  #since: number;
  #idleSince: ProcessorIdle | undefined;
  #waitedMs = 0;

  constructor(clock: LevelClock) {
    this.#clock = clock;
    this.#since = clock.now();
    this.#idleSince = clock.idle();
  }

  /** The level for a batch of `pages` that is about to be handed out. */
  next(pages: number): number {
    const now = this.#clock.now();
    if (now - this.#since >= periodMs) this.#decide(now);
    const level = ladder[this.#step];
    this.#pages.set(level, (this.#pages.get(level) ?? 0) + pages);
    return level;
  }

  /** The same sink, its writes timed. */
  watch(sink: Sink): Sink {
    return wrapSink(sink, {
      around: (action) => {
        const begun = this.#clock.now();
        action();
        this.#waitedMs += this.#clock.now() - begun;
      },
    });
  }

  pagesByLevel(): PagesByLevel {
    return Object.fromEntries([...this.#pages].map(([level, pages]) => [`${level}`, pages]));
  }

  #decide(now: number): void {
    const elapsed = now - this.#since;
    const waiting = this.#waitedMs / elapsed;
    const idle = this.#idleShare(elapsed);
    this.#since = now;
    this.#waitedMs = 0;
    this.#period++;
    if (waiting < littleWaiting) this.#lower();
    else if (waiting > muchWaiting && idle > enoughIdle) this.#raise();
  }

  /** Of the time since it was asked last. */
  #idleShare(elapsedMs: number): number {
    const before = this.#idleSince;
    const after = this.#clock.idle();
    this.#idleSince = after;
    return before === undefined || after === undefined ? 0 : (after.idleMs - before.idleMs) / (elapsedMs * after.processors);
  }

  #raise(): void {
    if (this.#step + 1 < ladder.length && this.#bars[this.#step + 1].until <= this.#period) this.#step++;
  }

  #lower(): void {
    if (this.#step === 0) return;
    const bar = this.#bars[this.#step--];
    bar.until = this.#period + bar.periods;
    bar.periods = Math.min(bar.periods * 2, longestBar);
  }
}

/** @returns `undefined` when this codec cannot change its level. */
export function createLevelControl(system: System, canChange: boolean): LevelControl | undefined {
  if (!canChange) return undefined;
  return new LevelControl({ now: system.now, idle: () => parseProcessorIdle(system.files.readTextIfThere('/proc/stat') ?? '') });
}
