/**
 * The kdump-compressed ("diskdump") file: its structures and where they stand. Reader and writer share this file.
 *
 * ```
 *  block 0            disk_dump_header (464 bytes), rest of the block zero
 *  block 1            kdump_sub_header (104 bytes), then a copy of the whole PT_NOTE segment
 *  block 1 + s        1st bitmap: page frames that exist                     s = sub_hdr_size, in blocks
 *  then               2nd bitmap: page frames that have a descriptor
 *  block 1 + s + b    page_desc (24 bytes) for each bit of the 2nd bitmap, ascending     b = bitmap_blocks, both bitmaps
 *  right behind       page data, packed, not aligned
 * ```
 * One block is one page of the dumped kernel. In a part of a split set the descriptors of the part stand at the start of the
 * descriptor area, and the page data begins where it would in the whole dump.
 *
 * @source makedumpfile diskdump_mod.h and IMPLEMENTATION; crash diskdump.h; libkdumpfile src/kdumpfile/diskdump.c
 */
import { defineStruct } from '../../binary/struct.ts';

/** Page size and block size of a dump are powers of two between these. @source libkdumpfile diskdump.c */
export const minBlockBytes = 4096;
export const maxBlockBytes = 256 * 1024;

export const kdumpSignature = 'KDUMP   ';
export const diskdumpSignature = 'DISKDUMP';

/** The version this writer makes. Later ones only add fields behind those that are there, so readers take them. */
export const writtenVersion = 6;

/** disk_dump_header.status bits besides `codecFlags`. @source makedumpfile diskdump_mod.h */
export const statusFlags = { incomplete: 0x8, excludedVmemmap: 0x10 } as const;

/** Six NUL-terminated strings of 65 bytes, as in `struct new_utsname`. @source linux include/uapi/linux/utsname.h */
export const utsnameFieldBytes = 65;
export const utsnameFields = ['sysname', 'nodename', 'release', 'version', 'machine', 'domainname'] as const;
export const utsnameBytes = utsnameFields.length * utsnameFieldBytes;

/** Block 0 on 64-bit machines; all readers find the 64-bit layout by probing, which is why tv_usec has to stay 0. */
export const diskDumpHeader = defineStruct('disk_dump_header', 464, {
  signature: [0, { bytes: 8 }],
  header_version: [8, 'i32'],
  utsname: [12, { bytes: utsnameBytes }],
  tv_sec: [408, 'i64'],
  tv_usec: [416, 'i64'],
  status: [424, 'u32'],
  block_size: [428, 'i32'],
  sub_hdr_size: [432, 'i32'],
  bitmap_blocks: [436, 'u32'],
  max_mapnr: [440, 'u32'],
  total_ram_blocks: [444, 'u32'],
  device_blocks: [448, 'u32'],
  written_blocks: [452, 'u32'],
  current_cpu: [456, 'u32'],
  nr_cpus: [460, 'i32'],
});

/** Block 1. A field counts from the header version in its comment on; before that its bytes mean nothing. */
export const kdumpSubHeader = defineStruct('kdump_sub_header', 104, {
  phys_base: [0, 'u64'],
  dump_level: [8, 'i32'], // 1
  split: [12, 'i32'], // 2
  start_pfn: [16, 'u64'], // 2
  end_pfn: [24, 'u64'], // 2
  offset_vmcoreinfo: [32, 'u64'], // 3
  size_vmcoreinfo: [40, 'u64'], // 3
  offset_note: [48, 'u64'], // 4
  size_note: [56, 'u64'], // 4
  offset_eraseinfo: [64, 'u64'], // 5
  size_eraseinfo: [72, 'u64'], // 5
  start_pfn_64: [80, 'u64'], // 6
  end_pfn_64: [88, 'u64'], // 6
  max_mapnr_64: [96, 'u64'], // 6
});

/** One a page of the 2nd bitmap. `flags` 0: raw, `size` is the block size. `offset` 0: the page was lost. */
export const pageDesc = defineStruct('page_desc', 24, {
  offset: [0, 'u64'],
  size: [8, 'u32'],
  flags: [12, 'u32'],
  page_flags: [16, 'u64'],
});

/** Where the parts of one dump stand, in bytes from the start of the file. */
export type KdumpLayout = {
  readonly subHeaderBlocks: number;
  /** Both bitmaps together. */
  readonly bitmapBlocks: number;
  /** One bitmap, padded to whole blocks. */
  readonly bitmapBytes: number;
  readonly notesOffset: number;
  readonly firstBitmapOffset: number;
  readonly secondBitmapOffset: number;
  readonly descriptorsOffset: number;
  readonly dataOffset: number;
};

/**
 * Lays out a dump.
 * @param pages how many bits are set in the 2nd bitmap.
 */
export function layOutKdump(blockBytes: number, endPfn: number, notesBytes: number, pages: number): KdumpLayout {
  const subHeaderBlocks = Math.ceil((kdumpSubHeader.sizeBytes + notesBytes) / blockBytes);
  const bitmapBlocks = 2 * Math.ceil(Math.ceil(endPfn / 8) / blockBytes);
  const bitmapBytes = (bitmapBlocks / 2) * blockBytes;
  const firstBitmapOffset = (1 + subHeaderBlocks) * blockBytes;
  const descriptorsOffset = firstBitmapOffset + 2 * bitmapBytes;
  return {
    subHeaderBlocks,
    bitmapBlocks,
    bitmapBytes,
    notesOffset: blockBytes + kdumpSubHeader.sizeBytes,
    firstBitmapOffset,
    secondBitmapOffset: firstBitmapOffset + bitmapBytes,
    descriptorsOffset,
    dataOffset: descriptorsOffset + pages * pageDesc.sizeBytes,
  };
}
