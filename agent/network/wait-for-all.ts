/** Waiting for several things of which one may never come: it must not take the time of the others. */
import type { System } from '../sys/system.ts';

export type WaitLimit = {
  /** On the clock of `system.now()`. */
  readonly endsAt: number;
  /** How much longer than the first the rest may take. */
  readonly graceMs: number;
  readonly onWait: () => void;
};

const pauseMs = 100;

/** Looks at once and then ten times a second, until all is there or the time is over. @param look says how much is there. */
export function waitForAll(
  system: Pick<System, 'now' | 'kernel'>,
  { endsAt, graceMs, onWait }: WaitLimit,
  look: () => 'all' | 'some' | 'none',
): void {
  let until = endsAt;
  for (;;) {
    const seen = look();
    if (seen === 'all') return;
    if (seen === 'some') until = Math.min(until, system.now() + graceMs);
    if (system.now() >= until) return;
    onWait();
    system.kernel.sleep(Math.min(pauseMs, Math.max(1, until - system.now())));
  }
}

/** How many of a list. */
export function amount(there: number, of: number): 'all' | 'some' | 'none' {
  return there >= of ? 'all' : there > 0 ? 'some' : 'none';
}
