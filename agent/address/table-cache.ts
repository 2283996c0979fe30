/**
 * Physical memory in pieces of 4 KiB, the last few kept: page tables and small structures are read over and over.
 */
import type { PhysAddr } from '../binary/units.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';

const PIECE_BYTES = 4096;
/** A walk touches five tables; three times that keeps two walks and their data. Measured: more changes nothing. */
const MAX_PIECES = 16;

export class TableCache {
  readonly #memory: PhysicalMemory;
  readonly #pieces = new Map<PhysAddr, DataView>();

  constructor(memory: PhysicalMemory) {
    this.#memory = memory;
  }

  /**
   * @param address a multiple of 8, so that the word lies in one piece.
   * @throws VmcoreError when the piece is not in the file.
   */
  readU64(address: PhysAddr): bigint {
    const inPiece = address % PIECE_BYTES;
    return this.#piece(address - inPiece).getBigUint64(inPiece, true);
  }

  #piece(start: PhysAddr): DataView {
    const known = this.#pieces.get(start);
    if (known !== undefined) return known;
    const bytes = new Uint8Array(PIECE_BYTES);
    this.#memory.read(start, bytes);
    const view = new DataView(bytes.buffer);
    if (this.#pieces.size >= MAX_PIECES) this.#pieces.delete(this.#pieces.keys().next().value!);
    this.#pieces.set(start, view);
    return view;
  }
}
