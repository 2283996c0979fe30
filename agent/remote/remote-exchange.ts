/**
 * The memory that the run and the network thread share: slots for the dump's bytes on their way, and the words both sleep on and wake each other by.
 *
 * The run fills a slot and says so in a message; the thread takes the bytes out and frees the slot. Nobody spins: a producer that is ahead sleeps until a slot
 * is free, so what is on its way is bounded by the slots.
 *
 * ```
 *  0      words: events, heartbeats, progress, then one a slot: 0 free, 1 taken
 *  4096   the slots
 * ```
 */
import { KiB, MiB } from '../binary/units.ts';

/** Two requests of SFTP, which OpenSSH takes up to 255 KiB each. */
export const slotBytes = 510 * KiB;
export const slotCount = 8;
/**
 * Both sides give up unused memory every so many bytes, the thread more often: without it the buffers that a dump leaves behind pile up to twice what the agent may
 * take (230 MB; with it 110 MB, measured).
 */
export const tidyEvery = { run: 8 * MiB, thread: 2 * MiB } as const;
const slotsAt = 4096;

const words = { events: 0, heartbeats: 1, progress: 2, slots: 3 } as const;
const free = 0;
const taken = 1;

export class RemoteExchange {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #slots: readonly Uint8Array[];

  /** @param shared of the other side; without it, new memory. */
  constructor(shared = new SharedArrayBuffer(slotsAt + slotCount * slotBytes)) {
    this.shared = shared;
    this.#words = new Int32Array(shared, 0, words.slots + slotCount);
    this.#slots = Array.from({ length: slotCount }, (_, slot) => new Uint8Array(shared, slotsAt + slot * slotBytes, slotBytes));
  }

  /** Something changed that the run may wait for: a message, a free slot, progress. */
  tell(): void {
    Atomics.add(this.#words, words.events, 1);
    Atomics.notify(this.#words, words.events);
  }

  /** To be read before one looks whether one has to wait. */
  get events(): number {
    return Atomics.load(this.#words, words.events);
  }

  /** Sleeps until something changed since `events` was read, this long at most. */
  sleep(events: number, milliseconds: number): void {
    Atomics.wait(this.#words, words.events, events, milliseconds);
  }

  /** The thread's event loop turns. */
  beat(): void {
    Atomics.add(this.#words, words.heartbeats, 1);
  }

  get heartbeats(): number {
    return Atomics.load(this.#words, words.heartbeats);
  }

  /** Bytes moved on the network. */
  noteProgress(): void {
    Atomics.add(this.#words, words.progress, 1);
  }

  get progress(): number {
    return Atomics.load(this.#words, words.progress);
  }

  /** A slot for the run to fill; `undefined`: all are on their way. */
  takeSlot(): number | undefined {
    const slot = this.#slots.findIndex((_, index) => Atomics.load(this.#words, words.slots + index) === free);
    if (slot < 0) return undefined;
    Atomics.store(this.#words, words.slots + slot, taken);
    return slot;
  }

  slot(index: number): Uint8Array {
    return this.#slots[index];
  }

  freeSlot(index: number): void {
    Atomics.store(this.#words, words.slots + index, free);
    this.tell();
  }
}
