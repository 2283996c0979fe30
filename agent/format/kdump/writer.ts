/**
 * Writes a kdump-compressed dump, or one part of a split set.
 *
 * Comes in: a plan made from the filtered source, then the kept pages in ascending order, compressed already, window by window of the 2nd
 * bitmap. Goes out: the same bytes makedumpfile writes for the same pages, whatever the windows. Page data and descriptors are buffered and
 * go out in pairs, data first, so that a descriptor in the file never refers to data that is not.
 *
 * The header says "incomplete" until `finish`, where the sink lets bytes be rewritten; a flattened stream is incomplete until its end mark.
 */
import { encodeText } from '../../binary/text.ts';
import type { Pfn } from '../../binary/units.ts';
import { Bitmap } from '../../bitmap/bitmap.ts';
import type { BitmapWindow, BitmapWindows } from '../../bitmap/windows.ts';
import { SequentialBuffer } from '../../sink/sequential-buffer.ts';
import type { Sink } from '../../sink/sink.ts';
import { type DumpWriter, FormatError } from '../dump-writer.ts';
import {
  diskDumpHeader,
  type KdumpLayout,
  kdumpSignature,
  kdumpSubHeader,
  layOutKdump,
  pageDesc,
  statusFlags,
  utsnameBytes,
  writtenVersion,
} from './layout.ts';

export type KdumpPlan = {
  /** Bytes of a page, which is the block of the file. */
  readonly pageSize: number;
  /** Highest existing page frame plus one (max_mapnr). */
  readonly endPfn: Pfn;
  /** 1st bitmap; at least `endPfn` bits. Gone through once. */
  readonly existing: BitmapWindows;
  /** 2nd bitmap: the pages that will come. Of the whole dump, in a split set too. The writer goes through it once, then the one who feeds it. */
  readonly kept: BitmapWindows;
  /** The source's whole PT_NOTE segment. */
  readonly notes: Uint8Array;
  /** Where in `notes` the text of VMCOREINFO stands. Length 0: there is none. */
  readonly vmcoreinfo: { readonly offset: number; readonly length: number };
  /** The 390 bytes of `init_uts_ns.name`; shorter is filled up with zeros. Readers take the architecture from it. */
  readonly utsname: Uint8Array;
  /** Seconds since 1970; 0 when VMCOREINFO has no CRASHTIME. */
  readonly crashTime: bigint | number;
  /** x86_64: signed load offset of the kernel image. aarch64: PHYS_OFFSET. */
  readonly physBase: bigint;
  /** Dump level bits applied, those of a source that was a dump included. */
  readonly dumpLevel: number;
  /** `codecFlags` bit of the codec asked for; 0 for none. */
  readonly status: number;
  /** How many CPUs left NT_PRSTATUS notes. */
  readonly nrCpus: number;
  /** True (dump level 1): zero pages share one stored page, which is then the first of the data even when none refers to it. */
  readonly zeroPages: boolean;
  /** What was overwritten in the source, as text. It goes behind the page data; to a flattened stream behind the notes. */
  readonly eraseinfo?: Uint8Array;
  /** Write only this part; `startPfn` is a multiple of 64. */
  readonly split?: { readonly startPfn: Pfn; readonly endPfn: Pfn };
};

export interface KdumpWriter extends DumpWriter {
  /**
   * The next window of `kept`; its pages follow. Before the first page, and when all pages of the window before have come.
   * @throws FormatError `format/order`; `format/changed` when the window has other pages than its bitmap in the file.
   */
  startWindow(window: BitmapWindow): void;
  /** A page that should be here and could not be read. The dump then stays marked incomplete. */
  addLostPage(pfn: Pfn): void;
}

/** Descriptors held back until their data is written: 192 KiB. */
const descriptorsBuffered = 8192;

/**
 * Writes headers and bitmaps at once.
 * @throws FormatError `format/unsupported` for a sink that cannot seek (put a `FlattenedSink` before it).
 * @throws SinkError as the sink does; after that, call `abandon`.
 */
export function createKdumpWriter(sink: Sink, plan: KdumpPlan): KdumpWriter {
  if (!sink.seekable) {
    throw new FormatError('format/unsupported', `Cannot write a kdump-compressed dump to ${sink.name}: append-only, expected seekable`);
  }
  if (plan.split !== undefined && plan.split.startPfn < plan.split.endPfn && plan.split.startPfn % 64 !== 0) {
    throw new FormatError(
      'format/unsupported',
      `Cannot start a part of a dump at page frame ${plan.split.startPfn}: expected a multiple of 64`,
    );
  }
  return new BufferedKdumpWriter(sink, plan);
}

class BufferedKdumpWriter implements KdumpWriter {
  readonly #sink: Sink;
  readonly #plan: KdumpPlan;
  /** Where the page data begins is known when the bitmaps have been written. */
  #layout: KdumpLayout;
  readonly #data: SequentialBuffer;
  readonly #descriptors = new Uint8Array(descriptorsBuffered * pageDesc.sizeBytes);
  readonly #view = new DataView(this.#descriptors.buffer);
  readonly #endPfn: number;
  /** Where the buffered descriptors go, how many they are, of how many the data was handed to the sink, and of how many it is in the file. */
  #descriptorsAt: number;
  #buffered = 0;
  #handed = 0;
  #backed = 0;
  #lostPages = 0;
  readonly #eraseinfo: Uint8Array;
  #eraseinfoOffset = 0;
  /** Of each window of the 2nd bitmap what its bits were when they were written. */
  readonly #checksums: number[];
  #windowsBegun = 0;
  #window: BitmapWindow = { start: 0, bits: new Bitmap(0) };
  /** The kept page that has to come next; the end of the window or beyond when all of it came. */
  #nextPfn = 0;

  constructor(sink: Sink, plan: KdumpPlan) {
    this.#sink = sink;
    this.#plan = plan;
    this.#eraseinfo = plan.eraseinfo ?? new Uint8Array(0);
    const behindNotes = this.#rewritable ? 0 : this.#eraseinfo.length;
    const layOut = (pages: number) => layOutKdump(plan.pageSize, plan.endPfn, plan.notes.length + behindNotes, pages);
    this.#layout = layOut(0);
    if (behindNotes > 0) this.#eraseinfoOffset = this.#layout.notesOffset + plan.notes.length;
    this.#descriptorsAt = this.#layout.descriptorsOffset;
    this.#endPfn = plan.split?.endPfn ?? plan.endPfn;
    sink.write(0, this.#buildHeaders(this.#rewritable));
    this.#writeBitmap(this.#layout.firstBitmapOffset, plan.existing);
    const { pages, checksums } = this.#writeBitmap(this.#layout.secondBitmapOffset, plan.kept);
    this.#checksums = checksums;
    this.#layout = layOut(pages);
    this.#data = new SequentialBuffer(sink, this.#layout.dataOffset);
    if (plan.zeroPages) this.#data.appendZeros(plan.pageSize);
  }

  get writtenBytes(): number {
    const descriptorsEnd = this.#descriptorsAt + this.#buffered * pageDesc.sizeBytes;
    return descriptorsEnd + (this.#data.position - this.#layout.dataOffset);
  }

  startWindow(window: BitmapWindow): void {
    const { start, bits } = window;
    const end = this.#windowEnd;
    if (start !== end) {
      throw new FormatError('format/order', `Cannot go on with ${this.#sink.name} at page frame ${start}: expected ${end}`);
    }
    this.#requireAllBefore(end);
    const checksum = this.#checksums[this.#windowsBegun++];
    if (checksum !== undefined && checksum !== bits.checksum()) {
      const found = `page frames ${start} … ${start + bits.sizeBits} are not used as they were when its bitmap was written`;
      throw new FormatError('format/changed', `Cannot go on with ${this.#sink.name}: ${found}; the source changed`);
    }
    this.#window = window;
    this.#nextPfn = this.#nextFrom(Math.max(start, this.#plan.split?.startPfn ?? 0));
  }

  addZeroPage(pfn: Pfn): void {
    this.#expect(pfn);
    const { pageSize, zeroPages } = this.#plan;
    if (zeroPages) {
      this.#describe(this.#layout.dataOffset, pageSize, 0);
      return;
    }
    const offset = this.#data.position;
    this.#data.appendZeros(pageSize);
    this.#describeData(offset, pageSize, 0);
  }

  addPage(pfn: Pfn, bytes: Uint8Array, start: number, length: number, flags: number): void {
    this.#expect(pfn);
    if (flags === 0 ? length !== this.#plan.pageSize : length <= 0 || length >= this.#plan.pageSize) {
      throw new FormatError('format/corrupt', `Cannot add page frame ${pfn} to ${this.#sink.name}: ${length} bytes with flags ${flags}`);
    }
    const offset = this.#data.position;
    this.#data.append(bytes, start, length);
    this.#describeData(offset, length, flags);
  }

  addLostPage(pfn: Pfn): void {
    this.#expect(pfn);
    this.#describe(0, 0, 0);
    this.#lostPages++;
  }

  finish(): void {
    this.#requireAllBefore(this.#endPfn);
    if (this.#eraseinfo.length > 0 && this.#eraseinfoOffset === 0) {
      this.#eraseinfoOffset = this.#data.position;
      this.#data.append(this.#eraseinfo);
    }
    this.#flush();
    if (this.#rewritable) this.#sink.write(0, this.#buildHeaders(this.#lostPages > 0));
  }

  abandon(): void {
    if (!this.#rewritable) return;
    try {
      this.#data.settle();
      this.#backed = this.#handed;
    } catch {
      // What was under way is not in the file, and its descriptors do not go there.
    }
    try {
      this.#writeDescriptors(this.#backed);
      if (this.#sink.keepsOldBytes) this.#clearDescriptors();
    } catch {
      // The disk is full or gone. The header says incomplete already, and descriptors that were never written are zero.
    }
  }

  /** Block 0, sub header and notes: everything before the bitmaps, in one piece. */
  #buildHeaders(incomplete: boolean): Uint8Array {
    const bytes = new Uint8Array(this.#layout.firstBitmapOffset);
    bytes.set(buildHeader(this.#plan, this.#layout, incomplete));
    bytes.set(buildSubHeader(this.#plan, this.#layout, this.#eraseinfoOffset), this.#plan.pageSize);
    bytes.set(this.#plan.notes, this.#layout.notesOffset);
    if (!this.#rewritable) bytes.set(this.#eraseinfo, this.#layout.notesOffset + this.#plan.notes.length);
    return bytes;
  }

  get #rewritable(): boolean {
    return this.#sink.rewritable ?? this.#sink.seekable;
  }

  #expect(pfn: Pfn): void {
    if (pfn !== this.#nextPfn || pfn >= Math.min(this.#endPfn, this.#windowEnd)) {
      throw new FormatError('format/order', `Cannot add page frame ${pfn} to ${this.#sink.name}: expected ${this.#nextPfn}`);
    }
    this.#nextPfn = this.#nextFrom(pfn + 1);
  }

  get #windowEnd(): Pfn {
    return this.#window.start + this.#window.bits.sizeBits;
  }

  /** The first kept page of the window at or after `pfn`; the end of the window when there is none. */
  #nextFrom(pfn: Pfn): Pfn {
    const { start, bits } = this.#window;
    return start + bits.nextSet(pfn - start);
  }

  #requireAllBefore(pfn: Pfn): void {
    if (this.#nextPfn >= Math.min(pfn, this.#endPfn)) return;
    throw new FormatError('format/order', `Cannot finish ${this.#sink.name}: page frame ${this.#nextPfn} never came`);
  }

  /** @returns how many bits are set, and a checksum of each window when there are several. */
  #writeBitmap(offset: number, bitmap: BitmapWindows): { readonly pages: number; readonly checksums: number[] } {
    const { bitmapBytes } = this.#layout;
    const length = Math.min(Math.ceil(bitmap.sizeBits / 8), bitmapBytes);
    const checksums: number[] = [];
    let pages = 0;
    this.#sink.announce?.(offset, length);
    for (const { start, bits } of bitmap.windows()) {
      pages += bits.count();
      if (bitmap.windowCount > 1) checksums.push(bits.checksum());
      this.#sink.write(offset + start / 8, bits.bytes.subarray(0, Math.max(0, Math.min(Math.ceil(bits.sizeBits / 8), length - start / 8))));
    }
    if (length < bitmapBytes) this.#sink.write(offset + length, new Uint8Array(bitmapBytes - length));
    return { pages, checksums };
  }

  /** The descriptor of a page whose data has just been appended, and may be in the file only in part. */
  #describeData(offset: number, size: number, flags: number): void {
    if (this.#data.handedUpTo >= offset) {
      // A piece was handed over just now. Where that does not write it yet, the piece before it is in the file.
      this.#backed = this.#data.writtenUpTo >= offset ? this.#buffered : this.#handed;
      this.#handed = this.#buffered;
      this.#writeDescriptors(this.#backed);
    }
    this.#describe(offset, size, flags);
  }

  #describe(offset: number, size: number, flags: number): void {
    if (this.#buffered === descriptorsBuffered) this.#flush();
    const at = this.#buffered * pageDesc.sizeBytes;
    this.#view.setUint32(at, offset % 0x100000000, true);
    this.#view.setUint32(at + 4, Math.floor(offset / 0x100000000), true);
    this.#view.setUint32(at + pageDesc.fields.size[0], size, true);
    this.#view.setUint32(at + pageDesc.fields.flags[0], flags, true);
    this.#buffered++;
  }

  #flush(): void {
    this.#data.flush();
    this.#handed = this.#buffered;
    this.#backed = this.#buffered;
    this.#writeDescriptors(this.#backed);
  }

  /** Writes the first `count` buffered descriptors, and empties the buffer when these are all. */
  #writeDescriptors(count: number): void {
    if (count === 0) return;
    const bytes = count * pageDesc.sizeBytes;
    this.#sink.write(this.#descriptorsAt, this.#descriptors.subarray(0, bytes));
    this.#descriptors.copyWithin(0, bytes, this.#buffered * pageDesc.sizeBytes);
    this.#descriptorsAt += bytes;
    this.#buffered -= count;
    this.#handed -= count;
    this.#backed = 0;
  }

  /** On a block device, what stands where descriptors were to come is no hole. */
  #clearDescriptors(): void {
    const zeros = new Uint8Array(this.#descriptors.length);
    for (let at = this.#descriptorsAt; at < this.#layout.dataOffset; at += zeros.length) {
      this.#sink.write(at, zeros.subarray(0, Math.min(zeros.length, this.#layout.dataOffset - at)));
    }
  }
}

function buildHeader(plan: KdumpPlan, layout: KdumpLayout, incomplete: boolean): Uint8Array {
  const utsname = new Uint8Array(utsnameBytes);
  utsname.set(plan.utsname.subarray(0, utsnameBytes));
  return diskDumpHeader.write({
    signature: encodeText(kdumpSignature),
    header_version: writtenVersion,
    utsname,
    tv_sec: BigInt(plan.crashTime),
    tv_usec: 0n,
    status: plan.status | (incomplete ? statusFlags.incomplete : 0),
    block_size: plan.pageSize,
    sub_hdr_size: layout.subHeaderBlocks,
    bitmap_blocks: layout.bitmapBlocks,
    max_mapnr: clamp32(plan.endPfn),
    nr_cpus: plan.nrCpus,
  });
}

function buildSubHeader(plan: KdumpPlan, layout: KdumpLayout, eraseinfoOffset: number): Uint8Array {
  const { split, vmcoreinfo, notes } = plan;
  const eraseinfoBytes = eraseinfoOffset === 0 ? 0 : (plan.eraseinfo?.length ?? 0);
  return kdumpSubHeader.write({
    phys_base: BigInt.asUintN(64, plan.physBase),
    dump_level: plan.dumpLevel,
    split: split === undefined ? 0 : 1,
    start_pfn: BigInt(clamp32(split?.startPfn ?? 0)),
    end_pfn: BigInt(clamp32(split?.endPfn ?? 0)),
    offset_vmcoreinfo: vmcoreinfo.length === 0 ? 0n : BigInt(layout.notesOffset + vmcoreinfo.offset),
    size_vmcoreinfo: BigInt(vmcoreinfo.length),
    offset_note: notes.length === 0 ? 0n : BigInt(layout.notesOffset),
    size_note: BigInt(notes.length),
    offset_eraseinfo: BigInt(eraseinfoOffset),
    size_eraseinfo: BigInt(eraseinfoBytes),
    start_pfn_64: BigInt(split?.startPfn ?? 0),
    end_pfn_64: BigInt(split?.endPfn ?? 0),
    max_mapnr_64: BigInt(plan.endPfn),
  });
}

/** The older 32-bit fields hold the largest number they can. */
function clamp32(pfn: Pfn): number {
  return Math.min(pfn, 0xffffffff);
}
