/**
 * A made machine as it lies in the memory of a virtual one, so that a kernel started there with `elfcorehdr=` takes it for the memory of a kernel that
 * crashed, and shows it as `/proc/vmcore`.
 *
 * ```
 * ELF header | PT_NOTE PT_NOTE PT_LOAD | notes | memory of the made machine
 * ```
 *
 * As the kernel that loads a capture kernel writes it, `p_offset` is where something lies in physical memory; `p_paddr` is where the made machine had it.
 * @source fs/proc/vmcore.c, process_ptload_program_headers_elf64(), merge_note_headers_elf64(); kernel/crash_core.c, crash_prepare_elf64_headers()
 */
import { encodeText } from '../../../binary/text.ts';
import {
  EI_CLASS,
  EI_DATA,
  EI_VERSION,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_X86_64,
  ET_CORE,
  EV_CURRENT,
  elfHeader,
  NT_PRSTATUS,
  noteHeader,
  PT_LOAD,
  PT_NOTE,
  padNote,
  programHeader,
} from '../../../vmcore/elf-layout.ts';
import { directMap, type MadeMachine } from './made-machine.ts';

const pageBytes = 4096;
/** Header, notes of the CPU, VMCOREINFO: a page each, as none of them is longer. */
const headPages = 3;
/** @source struct elf_prstatus of x86_64 */
const prstatusBytes = 336;

/** What stands in front of the machine's memory; its length is a whole number of pages. @param address where it will lie: a multiple of the page size. */
export function makeCrashHead(machine: MadeMachine, address: number): Uint8Array {
  const head = new Uint8Array(headPages * pageBytes);
  const cpu = makeNote('CORE', NT_PRSTATUS, new Uint8Array(prstatusBytes));
  const info = makeNote('VMCOREINFO', 0, encodeText(machine.vmcoreinfo));
  const [cpuAt, infoAt, memoryAt] = [1, 2, headPages].map((page) => address + page * pageBytes);
  head.set(makeHeader(3));
  const rows = [
    { type: PT_NOTE, offset: BigInt(cpuAt), paddr: BigInt(cpuAt), filesz: BigInt(cpu.length), memsz: BigInt(cpu.length) },
    { type: PT_NOTE, offset: BigInt(infoAt), paddr: BigInt(infoAt), filesz: BigInt(info.length), memsz: BigInt(info.length) },
    {
      type: PT_LOAD,
      flags: 7,
      offset: BigInt(memoryAt),
      vaddr: directMap,
      paddr: 0n,
      filesz: BigInt(machine.memory.length),
      memsz: BigInt(machine.memory.length),
    },
  ];
  for (const [index, row] of rows.entries()) head.set(programHeader.write(row), elfHeader.sizeBytes + index * programHeader.sizeBytes);
  head.set(cpu, pageBytes);
  head.set(info, 2 * pageBytes);
  return head;
}

function makeHeader(programHeaders: number): Uint8Array {
  const ident = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  ident[EI_CLASS] = ELFCLASS64;
  ident[EI_DATA] = ELFDATA2LSB;
  ident[EI_VERSION] = EV_CURRENT;
  return elfHeader.write({
    ident,
    type: ET_CORE,
    machine: EM_X86_64,
    version: EV_CURRENT,
    phoff: BigInt(elfHeader.sizeBytes),
    ehsize: elfHeader.sizeBytes,
    phentsize: programHeader.sizeBytes,
    phnum: programHeaders,
  });
}

function makeNote(name: string, type: number, descriptor: Uint8Array): Uint8Array {
  const text = encodeText(`${name}\0`);
  const note = new Uint8Array(noteHeader.sizeBytes + padNote(text.length) + padNote(descriptor.length));
  note.set(noteHeader.write({ namesz: text.length, descsz: descriptor.length, type }));
  note.set(text, noteHeader.sizeBytes);
  note.set(descriptor, noteHeader.sizeBytes + padNote(text.length));
  return note;
}
