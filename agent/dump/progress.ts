/**
 * How far a long step has come: percent, rate, time left. On a terminal one line that renews itself, elsewhere (serial
 * console, log file) a new line every few seconds.
 */
import { formatBytes } from '../binary/units.ts';
import type { System } from '../sys/system.ts';

export interface Progress {
  /** Begins a step of `total` units, each of `unitBytes` bytes. */
  start(step: string, total: number, unitBytes: number): void;
  /** Cheap enough for every run of pages: it looks at the clock only now and then. */
  update(done: number): void;
  /** Ends the step. */
  end(): void;
}

export const silentProgress: Progress = { start() {}, update() {}, end() {} };

/** Units between two looks at the clock. */
const stride = 2048;
const terminalIntervalMs = 200;
const logIntervalMs = 5000;

export function createProgress(system: System): Progress {
  let step = '';
  let unitBytes = 0;
  let printed = false;
  const throttled = createThrottledProgress(system, system.errorIsTerminal ? terminalIntervalMs : logIntervalMs, (done, total, seconds) => {
    const line = progressLine(step, { done, total, unitBytes, seconds });
    system.printError(system.errorIsTerminal ? `\r${line}\x1b[K` : `${line}\n`);
    printed = true;
  });
  return {
    start(name, total, bytes) {
      step = name;
      unitBytes = bytes;
      printed = false;
      throttled.start(name, total, bytes);
    },
    update: throttled.update,
    end() {
      if (!printed) return;
      throttled.end();
      if (system.errorIsTerminal) system.printError('\n');
    },
  };
}

/**
 * The clock behind every kind of progress: `print` is called once an interval at most while the step runs, and once at its end.
 */
export function createThrottledProgress(
  system: Pick<System, 'now'>,
  intervalMs: number,
  print: (done: number, total: number, seconds: number) => void,
): Progress {
  let total = 0;
  let startedAt = 0;
  let nextLookAt = 0;
  let nextPrintAt = 0;
  return {
    start(_step, units) {
      total = units;
      startedAt = system.now();
      nextLookAt = 0;
      nextPrintAt = startedAt + intervalMs;
    },
    update(done) {
      if (done < nextLookAt) return;
      nextLookAt = done + stride;
      const now = system.now();
      if (now < nextPrintAt) return;
      nextPrintAt = now + intervalMs;
      print(done, total, (now - startedAt) / 1000);
    },
    end: () => print(total, total, (system.now() - startedAt) / 1000),
  };
}

export type ProgressState = { done: number; total: number; unitBytes: number; seconds: number };

/** `copying  42 %  1.2 GiB of 2.9 GiB  310 MiB/s  6 s left` */
export function progressLine(step: string, { done, total, unitBytes, seconds }: ProgressState): string {
  const percent = total === 0 ? 100 : Math.floor((done * 100) / total);
  const rate = seconds > 0 ? (done * unitBytes) / seconds : 0;
  const left = done >= total ? `${seconds.toFixed(1)} s` : done === 0 ? '' : `${Math.ceil((seconds * (total - done)) / done)} s left`;
  const parts = [
    step.padEnd(9),
    `${String(percent).padStart(3)} %`,
    `${formatBytes(done * unitBytes)} of ${formatBytes(total * unitBytes)}`,
  ];
  if (rate > 0) parts.push(`${formatBytes(Math.round(rate))}/s`);
  return [...parts, left].join('  ').trimEnd();
}
