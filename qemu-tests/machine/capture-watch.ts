/**
 * Watches the console and QEMU's events from the crash on: when the capture kernel came up, when kcapture spoke, and how the machine ended.
 *
 * The console belongs to the crashed kernel up to the second kernel's banner. Times are seconds since the crash by the host's clock, seen a few
 * times a second.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import type { VmMessage } from '../vm.ts';

/** `reset`: the guest rebooted. `power-off`: it switched itself off. `time-limit`: it did neither and was ended. */
export type Ending = 'reset' | 'power-off' | 'time-limit';

export type Capture = {
  readonly ending: Ending;
  /** From the crash to the ending. */
  readonly seconds: number;
  /** Until the capture kernel's banner; `undefined`: it never came up. */
  readonly secondsToKernel: number | undefined;
  /** Until the first line of kcapture in the capture kernel. */
  readonly secondsToAgent: number | undefined;
  /** The capture kernel itself panicked. */
  readonly panicked: boolean;
  /** What the capture kernel wrote on the console. */
  readonly console: string;
  /** The crashed kernel's memory as QEMU has it, by guest address, taken when kcapture first spoke. */
  readonly memory: string | undefined;
};

const banner = /^(?:\[ *[0-9.]+\] )?Linux version /gm;
/** Its own lines, and those it gives the kernel's log. */
const agentLine = /^(?:\[ *[0-9.]+\] )?kcapture(?:: | \[)/m;
const panicLine = /^\[ *[0-9.]+\] Kernel panic - not syncing/m;

export class CaptureWatch {
  readonly #path: string;
  #read = 0;
  #text = '';
  #crashedAt: number | undefined;
  #kernelAt: number | undefined;
  #agentAt: number | undefined;
  #ending: Ending | undefined;
  #endedAt: number | undefined;

  constructor(consolePath: string) {
    this.#path = consolePath;
  }

  get crashed(): boolean {
    return this.#crashedAt !== undefined;
  }

  get agentSeen(): boolean {
    return this.#agentAt !== undefined;
  }

  crash(): void {
    this.#crashedAt ??= performance.now();
  }

  secondsSinceCrash(): number {
    return this.#crashedAt === undefined ? 0 : (performance.now() - this.#crashedAt) / 1000;
  }

  /** Reads what is new on the console. */
  look(): void {
    if (!this.crashed || !existsSync(this.#path)) return;
    this.#text += this.#readNew();
    const console = this.captureConsole();
    if (console !== '') this.#kernelAt ??= performance.now();
    if (agentLine.test(console)) this.#agentAt ??= performance.now();
  }

  hear({ event, data }: VmMessage): void {
    if (event !== 'SHUTDOWN') return;
    this.#endedAt = performance.now();
    this.#ending ??= data?.reason === 'guest-reset' ? 'reset' : data?.reason === 'guest-shutdown' ? 'power-off' : 'time-limit';
  }

  captureConsole(): string {
    const starts = [...this.#text.matchAll(banner)].map((match) => match.index);
    return starts.length < 2 ? '' : this.#text.slice(starts[1]);
  }

  /** @param memory See Capture. */
  result(memory: string | undefined): Capture {
    const since = (time: number | undefined) =>
      time === undefined || this.#crashedAt === undefined ? undefined : (time - this.#crashedAt) / 1000;
    const console = this.captureConsole();
    return {
      ending: this.#ending ?? 'time-limit',
      seconds: since(this.#endedAt) ?? this.secondsSinceCrash(),
      secondsToKernel: since(this.#kernelAt),
      secondsToAgent: since(this.#agentAt),
      panicked: panicLine.test(console),
      console,
      memory,
    };
  }

  #readNew(): string {
    const fd = openSync(this.#path, 'r');
    try {
      const chunks: string[] = [];
      const buffer = Buffer.alloc(1 << 16);
      for (let count = readSync(fd, buffer, 0, buffer.length, this.#read); count > 0; ) {
        this.#read += count;
        chunks.push(buffer.toString('latin1', 0, count));
        count = readSync(fd, buffer, 0, buffer.length, this.#read);
      }
      return chunks.join('');
    } finally {
      closeSync(fd);
    }
  }
}
