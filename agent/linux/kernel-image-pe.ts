/**
 * The PE/COFF clothes that EFI kernels and unified kernel images wear: sections, and whether a signature is attached.
 *
 * ```
 * "MZ" … 0x3c: where "PE\0\0" is | COFF header | optional header with the certificate table's place | section headers | sections | certificates
 * ```
 *
 * @source Microsoft PE format, "COFF File Header", "Optional Header", "Section Table", "The Attribute Certificate Table"; include/linux/pe.h
 */
import { defineStruct } from '../binary/struct.ts';
import { decodeText } from '../binary/text.ts';

export type PeSection = {
  readonly name: string;
  /** Place in the file. */
  readonly offset: number;
  /** What is in the file, without padding. */
  readonly sizeBytes: number;
};

export type PeImage = {
  /** IMAGE_FILE_MACHINE_*. */
  readonly machine: number;
  readonly sections: readonly PeSection[];
  /** An Authenticode signature is attached. Whether it is a good one, only the kernel's keyrings can tell. */
  readonly signed: boolean;
  /** Where the last section ends: a shorter file was cut. */
  readonly endOffset: number;
};

export const peMachines = { 332: 'i386', 34404: 'x86_64', 43620: 'aarch64', 20580: 'riscv64', 25188: 'loongarch64' } as const;

const coffHeader = defineStruct('PE header', 24, {
  signature: [0, 'u32'],
  machine: [4, 'u16'],
  sections: [6, 'u16'],
  optionalBytes: [20, 'u16'],
});

const sectionHeader = defineStruct('PE section header', 40, {
  name: [0, { bytes: 8 }],
  virtualBytes: [8, 'u32'],
  virtualAddress: [12, 'u32'],
  rawBytes: [16, 'u32'],
  rawOffset: [20, 'u32'],
});

const certificateHeader = defineStruct('WIN_CERTIFICATE', 8, { length: [0, 'u32'], revision: [4, 'u16'], type: [6, 'u16'] });

const dosMagic = 0x5a4d;
const peSignature = 0x4550;
/** More than any kernel or unified image has. */
const maxSections = 256;
/** Where the data directories begin in the optional header, by its magic. */
const directoryOffsets: Readonly<Record<number, number>> = { 267: 96, 523: 112 };
const certificateDirectory = 4;
const certificateTypePkcs = 2;

/** `undefined` when it is none, or when its headers lead outside the file. */
export function readPe(bytes: Uint8Array): PeImage | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64 || view.getUint16(0, true) !== dosMagic) return undefined;
  const at = view.getUint32(0x3c, true);
  if (at + coffHeader.sizeBytes > bytes.length) return undefined;
  const header = coffHeader.read(bytes, at);
  const optionalAt = at + coffHeader.sizeBytes;
  const sectionsAt = optionalAt + header.optionalBytes;
  const tableEnd = sectionsAt + header.sections * sectionHeader.sizeBytes;
  if (header.signature !== peSignature || header.sections > maxSections || tableEnd > bytes.length) return undefined;
  const sections = Array.from({ length: header.sections }, (_, index) => readSection(bytes, sectionsAt + index * sectionHeader.sizeBytes));
  return {
    machine: header.machine,
    sections,
    signed: hasSignature(bytes, optionalAt, header.optionalBytes),
    endOffset: Math.max(tableEnd, ...sections.map(({ offset, sizeBytes }) => offset + sizeBytes)),
  };
}

function readSection(bytes: Uint8Array, at: number): PeSection {
  const { name, virtualBytes, rawBytes, rawOffset } = sectionHeader.read(bytes, at);
  // Raw data is padded to the file alignment; the virtual size is the true one when it is smaller.
  const sizeBytes = virtualBytes > 0 ? Math.min(rawBytes, virtualBytes) : rawBytes;
  return { name: decodeText(name), offset: sizeBytes === 0 ? 0 : rawOffset, sizeBytes };
}

function hasSignature(bytes: Uint8Array, optionalAt: number, optionalBytes: number): boolean {
  if (optionalBytes < 2) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directories = directoryOffsets[view.getUint16(optionalAt, true)];
  if (directories === undefined) return false;
  const entry = directories + certificateDirectory * 8;
  if (entry + 8 > optionalBytes) return false;
  const offset = view.getUint32(optionalAt + entry, true);
  const sizeBytes = view.getUint32(optionalAt + entry + 4, true);
  if (offset === 0 || sizeBytes < certificateHeader.sizeBytes || offset + sizeBytes > bytes.length) return false;
  const { length, type } = certificateHeader.read(bytes, offset);
  return type === certificateTypePkcs && length > certificateHeader.sizeBytes && length <= sizeBytes;
}

/** What is in a section; `undefined` when there is none of that name or it reaches outside the file. */
export function peSectionBytes(bytes: Uint8Array, pe: PeImage, name: string): Uint8Array | undefined {
  const section = pe.sections.find((candidate) => candidate.name === name);
  if (section === undefined || section.offset + section.sizeBytes > bytes.length) return undefined;
  return bytes.subarray(section.offset, section.offset + section.sizeBytes);
}
