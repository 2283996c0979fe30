/**
 * The notes of a vmcore: one register set a CPU, and the VMCOREINFO text.
 *
 * Comes in: the bytes of a PT_NOTE segment. Goes out: where each note lies in them. A note that does not fit ends the walk: what
 * stands before it is still good.
 */
import { decodeText } from '../binary/text.ts';
import { NT_PRSTATUS, noteHeader, padNote } from './elf-layout.ts';

export type Note = {
  readonly name: string;
  readonly type: number;
  /** Index of the descriptor's first byte in the notes. */
  readonly descriptorOffset: number;
  readonly descriptorBytes: number;
};

/** Where the VMCOREINFO text lies in the notes. */
export type VmcoreinfoNote = { readonly offset: number; readonly sizeBytes: number };

/** The kernel writes one page at most, 64 KiB on the largest page size. A longer text is damage. */
const MAX_VMCOREINFO_BYTES = 1024 * 1024;
/** No vendor's name is longer; a longer one is damage. */
const MAX_NAME_BYTES = 256;

/** Every note, in order, up to the first one that does not fit. */
export function* walkNotes(notes: Uint8Array): Generator<Note> {
  let offset = 0;
  while (offset + noteHeader.sizeBytes <= notes.length) {
    const { namesz, descsz, type } = noteHeader.read(notes, offset);
    const nameOffset = offset + noteHeader.sizeBytes;
    const descriptorOffset = nameOffset + padNote(namesz);
    if (namesz > MAX_NAME_BYTES || descriptorOffset + descsz > notes.length) return;
    const name = decodeText(notes.subarray(nameOffset, nameOffset + namesz));
    yield { name, type, descriptorOffset, descriptorBytes: descsz };
    offset = descriptorOffset + padNote(descsz);
  }
}

/** The first VMCOREINFO note with a text in it. */
export function findVmcoreinfo(notes: Uint8Array): VmcoreinfoNote | undefined {
  for (const note of walkNotes(notes)) {
    if (note.name !== 'VMCOREINFO' || note.descriptorBytes === 0 || note.descriptorBytes > MAX_VMCOREINFO_BYTES) continue;
    return { offset: note.descriptorOffset, sizeBytes: note.descriptorBytes };
  }
  return undefined;
}

/** The text of the VMCOREINFO note, up to a NUL; empty when there is none. */
export function vmcoreinfoText(notes: Uint8Array): string {
  const note = findVmcoreinfo(notes);
  return note === undefined ? '' : decodeText(notes.subarray(note.offset, note.offset + note.sizeBytes));
}

/** How many CPUs left a register set (`nr_cpus` of a dump header). */
export function countCpus(notes: Uint8Array): number {
  let count = 0;
  for (const note of walkNotes(notes)) if (note.name === 'CORE' && note.type === NT_PRSTATUS) count++;
  return count;
}

/** Bytes of a page by the VMCOREINFO text: a power of two from 4096 to 65536, else `fallback`. */
export function pageSizeOf(text: string, fallback: number): number {
  const found = Number(/^PAGESIZE=(\d{1,6})$/m.exec(text)?.[1]);
  return [4096, 8192, 16384, 32768, 65536].includes(found) ? found : fallback;
}
