/**
 * The ELF64 structures of a core file, as tables shared by reader, writer and test builders.
 *
 * ```
 * Ehdr | Phdr PT_NOTE | Phdr PT_LOAD … | [Shdr, only with PN_XNUM] | notes | memory of the PT_LOADs
 * ```
 *
 * @source include/uapi/linux/elf.h; System V ABI, chapters 4 and 5.
 */
import { defineStruct } from '../binary/struct.ts';

export const elfHeader = defineStruct('Elf64_Ehdr', 64, {
  ident: [0, { bytes: 16 }],
  type: [16, 'u16'],
  machine: [18, 'u16'],
  version: [20, 'u32'],
  entry: [24, 'u64'],
  phoff: [32, 'u64'],
  shoff: [40, 'u64'],
  flags: [48, 'u32'],
  ehsize: [52, 'u16'],
  phentsize: [54, 'u16'],
  phnum: [56, 'u16'],
  shentsize: [58, 'u16'],
  shnum: [60, 'u16'],
  shstrndx: [62, 'u16'],
});

export const programHeader = defineStruct('Elf64_Phdr', 56, {
  type: [0, 'u32'],
  flags: [4, 'u32'],
  offset: [8, 'u64'],
  vaddr: [16, 'u64'],
  paddr: [24, 'u64'],
  filesz: [32, 'u64'],
  memsz: [40, 'u64'],
  align: [48, 'u64'],
});

/** Section header 0 holds the true number of program headers in `info` when `phnum` is `PN_XNUM`. */
export const sectionHeader = defineStruct('Elf64_Shdr', 64, {
  name: [0, 'u32'],
  type: [4, 'u32'],
  flags: [8, 'u64'],
  addr: [16, 'u64'],
  offset: [24, 'u64'],
  size: [32, 'u64'],
  link: [40, 'u32'],
  info: [44, 'u32'],
  addralign: [48, 'u64'],
  entsize: [56, 'u64'],
});

/** Followed by the name and the descriptor, each padded to 4 bytes. */
export const noteHeader = defineStruct('Elf64_Nhdr', 12, {
  namesz: [0, 'u32'],
  descsz: [4, 'u32'],
  type: [8, 'u32'],
});

/** Index of the class byte in `ident`, and its value for 64 bits. */
export const EI_CLASS = 4;
export const ELFCLASS64 = 2;
/** Index of the byte order byte in `ident`, and its value for little endian. */
export const EI_DATA = 5;
export const ELFDATA2LSB = 1;
export const EI_VERSION = 6;
export const EV_CURRENT = 1;

export const ET_CORE = 4;
export const EM_X86_64 = 62;
export const EM_AARCH64 = 183;
export const PT_LOAD = 1;
export const PT_NOTE = 4;
/** `phnum` when the number of program headers does not fit 16 bits. */
export const PN_XNUM = 0xffff;
export const NT_PRSTATUS = 1;
/** makedumpfile's mark in `flags` of an ELF dump that could not be finished. */
export const DUMP_ELF_INCOMPLETE = 1;

/** Bytes from one note to the next, `offset` rounded up to 4. */
export function padNote(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}
