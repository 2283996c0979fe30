/** Follows one boot from the host: reads the report port, applies faults, keeps the time limit of a capture, takes a copy of the memory. */
import { existsSync, readFileSync } from 'node:fs';
import type { VmControl, VmMessage } from '../vm.ts';
import type { CaptureWatch } from './capture-watch.ts';
import { applyFault, type Fault, type Scene } from './faults.ts';

export type FollowerOptions = {
  readonly faults: readonly Fault[];
  /** From the crash on. */
  readonly captureLimitSeconds: number;
  /** Where the guest reports, one `key=value` a line. */
  readonly reportPath: string;
  /** A folder of this boot. */
  readonly folder: string;
  /** Where a copy of the memory goes when kcapture starts in the capture kernel; `undefined`: none is taken. */
  readonly memoryPath: string | undefined;
  readonly memoryBytes: number;
};

export class BootFollower {
  readonly #options: FollowerOptions;
  readonly #watch: CaptureWatch;
  readonly #waiting: Set<Fault>;
  readonly #report = new Map<string, string>();
  readonly #problems: string[] = [];
  #linesSeen = 0;
  #memoryTaken = false;

  constructor(watch: CaptureWatch, options: FollowerOptions) {
    this.#options = options;
    this.#watch = watch;
    this.#waiting = new Set(options.faults);
  }

  /** What the guest reported, last value a key. */
  get report(): ReadonlyMap<string, string> {
    return this.#report;
  }

  /** What the host was to do to the machine and could not: a scenario would try something else than it says. */
  get problems(): readonly string[] {
    const missed = [...this.#waiting].map(({ when, action }) => `the fault "${action.kind}" never came: nothing matched ${when}`);
    return [...this.#problems, ...missed];
  }

  hear(message: VmMessage): void {
    this.#watch.hear(message);
    if (message.error !== undefined) this.#problems.push(`QEMU refused: ${message.error.desc}`);
  }

  get #scene(): Scene {
    return { report: this.#report, folder: this.#options.folder, onProblem: (problem) => this.#problems.push(problem) };
  }

  tick(control: VmControl): void {
    this.#readReport(control);
    this.#watch.look();
    if (!this.#watch.crashed) return;
    const console = this.#watch.captureConsole();
    for (const fault of this.#waiting) {
      if (fault.when !== 'crash' && !fault.when.test(console)) continue;
      this.#waiting.delete(fault);
      applyFault(control, fault.action, this.#scene);
    }
    if (this.#options.memoryPath !== undefined && this.#watch.agentSeen && !this.#memoryTaken)
      this.#takeMemory(control, this.#options.memoryPath);
    if (this.#watch.secondsSinceCrash() > this.#options.captureLimitSeconds) control.execute('quit');
  }

  #readReport(control: VmControl): void {
    const path = this.#options.reportPath;
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
    for (const line of lines.slice(this.#linesSeen)) {
      const [key, ...rest] = line.split('=');
      this.#report.set(key, rest.join('='));
      if (key === 'crash') this.#watch.crash();
      if (key === 'unplug') applyFault(control, { kind: 'unplug', disk: rest.join('=') }, this.#scene);
    }
    this.#linesSeen = lines.length;
  }

  /** All memory lies below 4 GiB (up to 2 GiB of it QEMU puts there), so an address is an offset. */
  #takeMemory(control: VmControl, filename: string): void {
    this.#memoryTaken = true;
    control.execute('stop');
    control.execute('pmemsave', { val: 0, size: this.#options.memoryBytes, filename });
    control.execute('cont');
  }
}
