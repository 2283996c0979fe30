/**
 * Kernel logs in the three shapes kernels kept them, inside a small image of kernel memory with the VMCOREINFO that leads to them.
 *
 * The image is a stretch of the kernel mapping, from 0xffffffff80000000 on, with page tables of its own at the front: as an ELF
 * core it is a vmcore from which makedumpfile extracts the log too.
 */
import type { KernelMemory } from '../analyse/log/kernel-memory.ts';
import { encodeText } from '../binary/text.ts';
import { VmcoreError } from '../vmcore/memory-file.ts';
import { buildElfCore, buildMachine } from './build-machine.ts';

export type TestRecord = {
  readonly text: string | Uint8Array;
  /** Default: 1.5 s after the one before. */
  readonly timeNs?: bigint;
  readonly caller?: number;
  /** Key and value pairs the kernel keeps beside the text; no reader prints them. */
  readonly dictionary?: string;
  /** Lockless only: 0 reserved, 1 committed, 2 finalized (default), 3 reusable. */
  readonly state?: number;
  /** Lockless only: the record has no text block at all. */
  readonly dataless?: boolean;
};

export type LogImage = {
  /** Kernel memory from `base` on. Tests damage it in place. */
  readonly bytes: Uint8Array;
  readonly base: bigint;
  readonly vmcoreinfo: string;
  readonly memory: KernelMemory;
  /** Offsets in `bytes` of what the readers follow, by name. */
  readonly places: { readonly [name: string]: number };
};

export const kernelBase = 0xffffffff80000000n;
const pageBytes = 4096;
const utsFieldBytes = 65;
const firstTime = 250_000_000n;
const timeStep = 1_500_000_123n;

/** Memory that is laid out as it is asked for. */
class ImageBuilder {
  #bytes = new Uint8Array(16 * pageBytes);
  #end: number;
  readonly lines: string[] = [];
  readonly places: Record<string, number> = {};

  constructor(osRelease: string) {
    this.#end = mapKernel(new DataView(this.#bytes.buffer));
    this.lines.push(
      `OSRELEASE=${osRelease}`,
      'PAGESIZE=4096',
      'SYMBOL(init_top_pgt)=ffffffff80001000',
      'SYMBOL(swapper_pg_dir)=ffffffff80001000',
    );
    const uts = this.place('init_uts_ns', 4 + 6 * utsFieldBytes);
    for (const [i, text] of ['Linux', 'test', osRelease, '#1 SMP', 'x86_64', '(none)'].entries()) {
      this.#bytes.set(encodeText(text), uts + 4 + i * utsFieldBytes);
    }
    this.symbol('init_uts_ns', uts);
    this.lines.push(
      'OFFSET(uts_namespace.name)=4',
      'SIZE(page)=64',
      'OFFSET(page.flags)=0',
      'OFFSET(page._refcount)=52',
      'OFFSET(page.mapping)=24',
    );
    this.variable('mem_map', kernelBase, 8);
    this.lines.push('NUMBER(phys_base)=0', 'NUMBER(pgtable_l5_enabled)=0', 'SYMBOL(_stext)=ffffffff80000000', 'CRASHTIME=1700000000');
  }

  get view(): DataView {
    return new DataView(this.#bytes.buffer);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Room for `length` bytes under a name; returns its offset. */
  place(name: string, length: number): number {
    const offset = Math.ceil(this.#end / 64) * 64;
    this.#end = offset + length;
    while (this.#end > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.places[name] = offset;
    return offset;
  }

  symbol(name: string, offset: number): void {
    this.lines.push(`SYMBOL(${name})=${address(offset).toString(16)}`);
  }

  variable(name: string, value: bigint | number, width: 4 | 8): void {
    const offset = this.place(name, width);
    if (width === 4) this.view.setUint32(offset, Number(value), true);
    else this.view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    this.symbol(name, offset);
  }

  finish(): LogImage {
    const bytes = this.#bytes.slice(0, Math.ceil(this.#end / pageBytes) * pageBytes);
    const memory = { read: (from: bigint, target: Uint8Array) => readImage(bytes, from, target) };
    return { bytes, base: kernelBase, vmcoreinfo: `${this.lines.join('\n')}\n`, memory, places: this.places };
  }
}

function address(offset: number): bigint {
  return kernelBase + BigInt(offset);
}

function readImage(bytes: Uint8Array, from: bigint, target: Uint8Array): void {
  const offset = from - kernelBase;
  if (offset < 0n || offset + BigInt(target.length) > BigInt(bytes.length)) {
    throw new VmcoreError('vmcore/absent', `Cannot read 0x${from.toString(16)}: not in the image`);
  }
  target.set(bytes.subarray(Number(offset), Number(offset) + target.length));
}

/** Four-level tables in pages 1 to 3: the top 2 GiB of addresses lead to physical memory from 0 on, in pieces of 2 MiB. */
function mapKernel(view: DataView): number {
  view.setBigUint64(0x1000 + 511 * 8, 0x2063n, true);
  view.setBigUint64(0x2000 + 510 * 8, 0x3063n, true);
  for (let i = 0; i < 512; i++) view.setBigUint64(0x3000 + i * 8, BigInt(i * 0x200000) | 0xe3n, true);
  return 0x4000;
}

/** The image as an x86_64 vmcore. */
export function buildLogVmcore(image: LogImage): Uint8Array {
  const end = image.bytes.length / pageBytes;
  const machine = buildMachine({ ranges: [{ start: 0, end }], vmcoreinfo: image.vmcoreinfo, nrCpus: 1 });
  return buildElfCore({ ...machine, page: (pfn) => image.bytes.subarray(pfn * pageBytes, (pfn + 1) * pageBytes) });
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === 'string' ? encodeText(text) : text;
}

function timeOf(record: TestRecord, index: number): bigint {
  return record.timeNs ?? firstTime + BigInt(index) * timeStep;
}

export type PlainLogOptions = { readonly bufferBytes?: number; readonly osRelease?: string };

/** Before 3.5: `text` went through a ring of `bufferBytes`. */
export function buildPlainLog(text: string, options: PlainLogOptions = {}): LogImage {
  const { bufferBytes = 4096, osRelease = '2.6.32' } = options;
  const image = new ImageBuilder(osRelease);
  const buffer = image.place('buffer', bufferBytes);
  const bytes = bytesOf(text);
  for (const [i, byte] of bytes.entries()) image.bytes[buffer + (i % bufferBytes)] = byte;
  image.variable('log_buf', address(buffer), 8);
  image.variable('log_buf_len', bufferBytes, 4);
  image.variable('log_end', bytes.length, 4);
  return image.finish();
}

export type RecordLogOptions = {
  readonly bufferBytes?: number;
  /** Where the first record starts; the log wraps when it reaches the end of the buffer. */
  readonly start?: number;
  /** `log` before 3.11. */
  readonly structName?: 'printk_log' | 'log';
  /** The struct has and exports caller_id (CONFIG_PRINTK_CALLER, 5.1 and later). */
  readonly callers?: boolean;
  /** Index of the first record after `dmesg --clear`. */
  readonly clearedBefore?: number;
};

/** 3.5 to 5.9. The records must fit into the buffer once. */
export function buildRecordLog(records: readonly TestRecord[], options: RecordLogOptions = {}): LogImage {
  const { bufferBytes = 4096, start = 0, structName = 'printk_log', callers = false } = options;
  const image = new ImageBuilder(structName === 'log' ? '3.10.0' : '5.4.0');
  const headBytes = callers ? 20 : 16;
  const buffer = image.place('buffer', bufferBytes);
  const starts: number[] = [];
  let position = start;
  for (const [index, record] of records.entries()) {
    const text = bytesOf(record.text);
    const dictionary = encodeText(record.dictionary ?? '');
    const length = Math.ceil((headBytes + text.length + dictionary.length) / 8) * 8;
    // Room for the head that says "go on at the start" stays free, as in the kernel.
    if (position + length + headBytes > bufferBytes) position = 0;
    starts.push(position);
    const at = buffer + position;
    image.view.setBigUint64(at, timeOf(record, index), true);
    image.view.setUint16(at + 8, length, true);
    image.view.setUint16(at + 10, text.length, true);
    image.view.setUint16(at + 12, dictionary.length, true);
    if (callers) image.view.setUint32(at + 16, record.caller ?? index, true);
    image.bytes.set(text, at + headBytes);
    image.bytes.set(dictionary, at + headBytes + text.length);
    position += length;
  }
  image.variable('log_buf', address(buffer), 8);
  image.variable('log_buf_len', bufferBytes, 4);
  image.variable('log_first_idx', start, 4);
  image.variable('clear_idx', starts[options.clearedBefore ?? 0] ?? start, 4);
  image.variable('log_next_idx', position, 4);
  const offsets = [`SIZE(${structName})=${headBytes}`, `OFFSET(${structName}.ts_nsec)=0`, `OFFSET(${structName}.len)=8`];
  image.lines.push(...offsets, `OFFSET(${structName}.text_len)=10`, `OFFSET(${structName}.dict_len)=12`);
  if (callers) image.lines.push(`OFFSET(${structName}.caller_id)=16`);
  return image.finish();
}

export type LocklessLogOptions = {
  /** 2^countBits descriptors; default 6. */
  readonly countBits?: number;
  /** 2^sizeBits bytes of text; default 12. */
  readonly sizeBits?: number;
  /** OFFSET(printk_info.caller_id) is exported; default true. */
  readonly callers?: boolean;
  /** A block that ends exactly at the end of the ring stays there (6.19 and later). */
  readonly endsAtRingEnd?: boolean;
  /** Sequence number from which on records are new since `dmesg --clear`. */
  readonly clearSeq?: bigint;
  /** 5.13 and later keep that number twice. Default true. */
  readonly latched?: boolean;
};

const prbBytes = 88;
const descBytes = 24;
const infoBytes = 88;
const idMask = (1n << 62n) - 1n;

/** 5.10 and later. Records that no longer fit push the oldest out, as in the kernel. */
export function buildLocklessLog(records: readonly TestRecord[], options: LocklessLogOptions = {}): LogImage {
  const { countBits = 6, sizeBits = 12, callers = true, clearSeq = 0n, latched = true } = options;
  const image = new ImageBuilder('6.1.0');
  const ring = new LocklessRing(image, 2 ** countBits, 2 ** sizeBits, options.endsAtRingEnd ?? false);
  for (const [index, record] of records.entries()) ring.add(record, index);
  const prb = image.place('printk_rb_static', prbBytes);
  image.variable('prb', address(prb), 8);
  image.view.setUint32(prb, countBits, true);
  image.view.setBigUint64(prb + 8, address(ring.descs), true);
  image.view.setBigUint64(prb + 16, address(ring.infos), true);
  image.view.setBigUint64(prb + 24, ring.headId, true);
  image.view.setBigUint64(prb + 32, ring.tailId, true);
  image.view.setUint32(prb + 48, sizeBits, true);
  image.view.setBigUint64(prb + 56, address(ring.data), true);
  addClearSeq(image, clearSeq, latched);
  image.lines.push(...locklessKeys);
  if (callers) image.lines.push('OFFSET(printk_info.caller_id)=20');
  return image.finish();
}

/** An odd counter says the second copy is the valid one. */
function addClearSeq(image: ImageBuilder, clearSeq: bigint, latched: boolean): void {
  if (!latched) return image.variable('clear_seq', clearSeq, 8);
  const offset = image.place('clear_seq', 24);
  image.view.setBigUint64(offset, 1n, true);
  image.view.setBigUint64(offset + 8, 99999n, true);
  image.view.setBigUint64(offset + 16, clearSeq, true);
  image.symbol('clear_seq', offset);
  image.lines.push('SIZE(latched_seq)=24', 'OFFSET(latched_seq.val)=8', 'LENGTH(latched_seq.val)=2');
}

class LocklessRing {
  readonly descs: number;
  readonly infos: number;
  readonly data: number;
  headId: bigint;
  tailId: bigint;
  readonly #image: ImageBuilder;
  readonly #count: number;
  readonly #size: number;
  readonly #endsAtRingEnd: boolean;
  /** Where each live record's text begins, oldest first. */
  readonly #live: number[] = [];
  #position: number;

  constructor(image: ImageBuilder, count: number, size: number, endsAtRingEnd: boolean) {
    this.#image = image;
    this.#count = count;
    this.#size = size;
    this.#endsAtRingEnd = endsAtRingEnd;
    this.#position = size;
    this.descs = image.place('descs', count * descBytes);
    this.infos = image.place('infos', count * infoBytes);
    this.data = image.place('data', size);
    // The kernel starts so that the first record gets slot 0, and the numbers overflow soon.
    this.headId = -BigInt(count + 1) & idMask;
    this.tailId = this.headId;
    for (let slot = 0; slot < count; slot++) image.view.setBigUint64(this.descs + slot * descBytes, 3n << 62n, true);
  }

  add(record: TestRecord, index: number): void {
    const text = bytesOf(record.text);
    this.headId = (this.headId + 1n) & idMask;
    if (this.#live.length === 0) this.tailId = this.headId;
    const { begin, next } = record.dataless ? { begin: 3, next: 3 } : this.#addText(text);
    this.#live.push(record.dataless ? this.#position : begin);
    while (this.#live.length > this.#count || this.#position - this.#live[0] > this.#size) this.#dropOldest();
    const slot = Number(this.headId % BigInt(this.#count));
    const desc = this.descs + slot * descBytes;
    this.#image.view.setBigUint64(desc, (BigInt(record.state ?? 2) << 62n) | this.headId, true);
    this.#image.view.setBigUint64(desc + 8, BigInt(begin), true);
    this.#image.view.setBigUint64(desc + 16, BigInt(next), true);
    const info = this.infos + slot * infoBytes;
    this.#image.view.setBigUint64(info, BigInt(index), true);
    this.#image.view.setBigUint64(info + 8, timeOf(record, index), true);
    this.#image.view.setUint16(info + 16, record.dataless ? 0 : text.length, true);
    this.#image.view.setUint32(info + 20, record.caller ?? index, true);
  }

  #addText(text: Uint8Array): { begin: number; next: number } {
    const blockBytes = 8 + Math.ceil(text.length / 8) * 8;
    const begin = this.#position;
    const end = begin + blockBytes;
    const lap = (position: number) => Math.floor(position / this.#size);
    const wraps = lap(begin) !== lap(this.#endsAtRingEnd ? end - 1 : end);
    const next = wraps ? lap(end) * this.#size + blockBytes : end;
    const at = this.data + ((next - blockBytes) % this.#size);
    this.#image.view.setBigUint64(at, this.headId, true);
    this.#image.bytes.set(text, at + 8);
    this.#position = next;
    return { begin, next };
  }

  #dropOldest(): void {
    const slot = Number(this.tailId % BigInt(this.#count));
    this.#image.view.setBigUint64(this.descs + slot * descBytes, (3n << 62n) | this.tailId, true);
    this.#live.shift();
    this.tailId = (this.tailId + 1n) & idMask;
  }
}

const locklessKeys = [
  `SIZE(printk_ringbuffer)=${prbBytes}`,
  'OFFSET(printk_ringbuffer.desc_ring)=0',
  'OFFSET(printk_ringbuffer.text_data_ring)=48',
  'OFFSET(printk_ringbuffer.fail)=80',
  'SIZE(prb_desc_ring)=48',
  'OFFSET(prb_desc_ring.count_bits)=0',
  'OFFSET(prb_desc_ring.descs)=8',
  'OFFSET(prb_desc_ring.infos)=16',
  'OFFSET(prb_desc_ring.head_id)=24',
  'OFFSET(prb_desc_ring.tail_id)=32',
  `SIZE(prb_desc)=${descBytes}`,
  'OFFSET(prb_desc.state_var)=0',
  'OFFSET(prb_desc.text_blk_lpos)=8',
  'SIZE(prb_data_blk_lpos)=16',
  'OFFSET(prb_data_blk_lpos.begin)=0',
  'OFFSET(prb_data_blk_lpos.next)=8',
  `SIZE(printk_info)=${infoBytes}`,
  'OFFSET(printk_info.seq)=0',
  'OFFSET(printk_info.ts_nsec)=8',
  'OFFSET(printk_info.text_len)=16',
  'SIZE(prb_data_ring)=32',
  'OFFSET(prb_data_ring.size_bits)=0',
  'OFFSET(prb_data_ring.data)=8',
  'SIZE(atomic_long_t)=8',
  'OFFSET(atomic_long_t.counter)=0',
];
