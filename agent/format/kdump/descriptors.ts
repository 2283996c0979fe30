/**
 * The page descriptors of one kdump-compressed file, each checked against the file before anyone uses it.
 *
 * The fields of the descriptor that was read last stand in the object: nothing is allocated a page.
 */
import { hex, type Pfn } from '../../binary/units.ts';
import { codecFlags } from '../../compress/codec.ts';
import type { FileWindow, MemoryFile } from '../../vmcore/memory-file.ts';
import { FormatError } from '../dump-writer.ts';
import type { KdumpHeader } from './header.ts';
import { pageDesc } from './layout.ts';
import type { PageIndex } from './page-index.ts';

const knownFlags = codecFlags.zlib | codecFlags.lzo | codecFlags.snappy | codecFlags.zstd;
const windowBytes = 64 * 1024;
/** How many descriptors before the last one are looked at to learn whether the file is cut off. */
const sampledDescriptors = 4096;

export class Descriptors {
  readonly file: MemoryFile;
  readonly header: KdumpHeader;
  /** The page frames this file has descriptors for. */
  readonly startPfn: Pfn;
  readonly endPfn: Pfn;
  readonly count: number;
  /** Where the data of the shared zero page stands, when there is one. */
  readonly dataOffset: number;
  /** Of the descriptor read last. `offset` 0: the page was lost, and the other fields mean nothing. */
  offset = 0;
  size = 0;
  flags = 0;
  readonly #index: PageIndex;
  readonly #firstRank: number;
  readonly #window: FileWindow;
  readonly #view: DataView;

  /** @throws FormatError `format/incomplete` when the file ends too early and does not say it is incomplete. */
  constructor(file: MemoryFile, header: KdumpHeader, index: PageIndex) {
    this.file = file;
    this.header = header;
    this.#index = index;
    this.startPfn = header.split?.startPfn ?? 0;
    this.endPfn = header.split?.endPfn ?? header.endPfn;
    this.#firstRank = index.rank(this.startPfn);
    this.count = index.rank(this.endPfn) - this.#firstRank;
    this.dataOffset = header.descriptorsOffset + index.total * pageDesc.sizeBytes;
    this.#window = file.openWindow(windowBytes);
    this.#view = new DataView(this.#window.bytes.buffer, this.#window.bytes.byteOffset, this.#window.bytes.length);
    if (!header.incomplete) this.#checkLength();
  }

  /**
   * Reads the descriptor of a page frame that is in the 2nd bitmap and in this file's range.
   * @throws FormatError `format/corrupt`
   */
  readFor(pfn: Pfn): void {
    this.readAt(this.#index.rank(pfn) - this.#firstRank);
  }

  /** Reads the descriptor with this number, the first being 0. */
  readAt(number: number): void {
    const fileOffset = this.header.descriptorsOffset + number * pageDesc.sizeBytes;
    this.offset = 0;
    if (fileOffset + pageDesc.sizeBytes > this.file.sizeBytes) return;
    const at = this.#window.locate(fileOffset, pageDesc.sizeBytes);
    const offset = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 0x100000000;
    this.size = this.#view.getUint32(at + pageDesc.fields.size[0], true);
    this.flags = this.#view.getUint32(at + pageDesc.fields.flags[0], true);
    if (offset !== 0 && !this.#isSound(offset)) {
      if (this.header.incomplete) return;
      throw this.#corrupt(fileOffset, offset);
    }
    this.offset = offset;
  }

  close(): void {
    this.#window.close();
  }

  #isSound(offset: number): boolean {
    const raw = this.flags === 0;
    const { blockBytes } = this.header;
    if (raw ? this.size !== blockBytes : this.size === 0 || this.size > blockBytes || (this.flags & knownFlags) === 0) return false;
    return offset >= this.header.descriptorsOffset && offset + this.size <= this.file.sizeBytes;
  }

  #corrupt(fileOffset: number, offset: number): FormatError {
    const where = `"${this.file.path}" at ${hex(fileOffset)}`;
    const found = `${this.size} bytes at ${hex(offset)} with flags ${hex(this.flags)}`;
    const code = offset + this.size > this.file.sizeBytes ? 'format/incomplete' : 'format/corrupt';
    const expected = `expected at most ${this.header.blockBytes} bytes that end by ${hex(this.file.sizeBytes)}, and flags of a known codec`;
    return new FormatError(code, `Cannot read a page descriptor of ${where}: ${found}, ${expected}`, { where });
  }

  /** Descriptors that are cut off, and data that the last of them miss. */
  #checkLength(): void {
    const end = this.header.descriptorsOffset + this.count * pageDesc.sizeBytes;
    if (end > this.file.sizeBytes) {
      throw new FormatError(
        'format/incomplete',
        `Cannot read "${this.file.path}": it ends at ${hex(this.file.sizeBytes)} in the middle of the page descriptors, expected ${hex(end)} and page data`,
        { hint: 'The file is cut off: copy it again' },
      );
    }
    for (let number = Math.max(0, this.count - sampledDescriptors); number < this.count; number++) this.readAt(number);
  }
}
