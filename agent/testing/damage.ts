/** Damage by construction: bytes changed one at a time, files cut at every length, and a command run on each. */
import type { Test } from 'tap';
import { type Files, judgeRun } from './hostile-run.ts';
import type { MemorySystem } from './memory-system.ts';

/** Bytes of a file: `start <= offset < end`. */
export type Region = { readonly start: number; readonly end: number };

/** What is damaged, and the commands that are run on it; the word `$` stands for its name. */
export type Victim = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly commands: readonly (readonly string[])[];
  /** Sound files that the commands name too. */
  readonly others?: Files;
};

/** Which bits of the byte at an offset are changed, one mask a run. */
export type Masks = (offset: number) => readonly number[];

/** A different bit from byte to byte. */
export const oneBit: Masks = (offset) => [1 << (offset % 8)];
export const oneBitAndAll: Masks = (offset) => [1 << (offset % 8), 0xff];
export const everyBit: Masks = () => [1, 2, 4, 8, 16, 32, 64, 128, 0xff];

/** One in `step` bytes. */
export function sparsely(step: number, masks: Masks): Masks {
  return (offset) => (offset % step === 0 ? masks(offset) : []);
}

/** Runs of one test and what was wrong with them. */
export class DamageReport {
  readonly #system: MemorySystem;
  readonly #faults: string[] = [];
  #runs = 0;

  constructor(system: MemorySystem) {
    this.#system = system;
  }

  async flip(victim: Victim, regions: readonly Region[], masks: Masks): Promise<void> {
    const bytes = victim.bytes.slice();
    for (const { start, end } of regions) {
      for (let offset = start; offset < Math.min(end, bytes.length); offset++) {
        for (const mask of masks(offset)) {
          bytes[offset] = victim.bytes[offset] ^ mask;
          await this.#run(victim, bytes, `byte ${offset} ^ ${mask}`);
        }
        bytes[offset] = victim.bytes[offset];
      }
    }
  }

  /** Every length below `fineBytes`, then one in `step`. */
  async cut(victim: Victim, fineBytes: number, step: number): Promise<void> {
    const { bytes } = victim;
    for (let length = 0; length < bytes.length; length += length < fineBytes ? 1 : step) {
      await this.#run(victim, bytes.subarray(0, length), `cut at ${length}`);
    }
  }

  /** The first faults only, so that one cause does not fill the screen. */
  tell(t: Test): void {
    t.equal(this.#faults.length, 0, `faults in ${this.#runs} runs`);
    for (const fault of this.#faults.slice(0, 12)) t.fail(fault);
  }

  async #run({ name, commands, others = {} }: Victim, bytes: Uint8Array, what: string): Promise<void> {
    for (const command of commands) {
      const words = command.map((word) => (word === '$' ? name : word));
      this.#runs++;
      const fault = await judgeRun(this.#system, { ...others, [name]: bytes }, words, [name]);
      if (fault !== undefined) this.#faults.push(`${name}, ${what}: ${words.join(' ')}: ${fault}`);
    }
  }
}

/** The words of 8 bytes in a region that are not zero, each with the one behind it. */
export function usedWords(bytes: Uint8Array, { start, end }: Region): Region[] {
  const used: Region[] = [];
  for (let at = start; at < end; at += 8) {
    if (bytes.subarray(at, at + 8).some((byte) => byte !== 0)) used.push({ start: at, end: Math.min(at + 16, end) });
  }
  return used;
}
