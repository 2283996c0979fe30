/** Superblocks by construction: the first bytes of a device that holds this file system or layer. */
import { encodeText } from '../binary/text.ts';

export type BuiltSuperblock =
  | 'ext4'
  | 'ext3'
  | 'ext2'
  | 'xfs'
  | 'btrfs'
  | 'f2fs'
  | 'swap'
  | 'squashfs'
  | 'minix'
  | 'luks1'
  | 'luks2'
  | 'lvm'
  | 'md'
  | 'vfat';

export const deviceBytes = 128 * 1024;

/** @param uuid 32 hexadecimal digits, hyphens anywhere. */
export function buildSuperblock(kind: BuiltSuperblock, uuid: string, label = ''): Uint8Array {
  const bytes = new Uint8Array(deviceBytes);
  const view = new DataView(bytes.buffer);
  const put = (offset: number, text: string) =>
    bytes.set(
      Uint8Array.from(text, (character) => character.charCodeAt(0)),
      offset,
    );
  const id = Uint8Array.from(uuid.replaceAll('-', '').match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  const writers: Readonly<Record<BuiltSuperblock, () => void>> = {
    ext2: () => putExt(0, 0),
    ext3: () => putExt(0x4, 0x2),
    ext4: () => putExt(0x4, 0x2c2),
    xfs() {
      put(0, 'XFSB');
      bytes.set(id, 32);
      put(108, label);
    },
    btrfs() {
      bytes.set(id, 65536 + 32);
      put(65536 + 64, '_BHRfS_M');
      put(65536 + 299, label);
    },
    f2fs() {
      view.setUint32(1024, 0xf2f52010, true);
      bytes.set(id, 1024 + 108);
      Array.from(label, (character, index) => view.setUint16(1024 + 124 + 2 * index, character.charCodeAt(0), true));
    },
    swap() {
      put(4086, 'SWAPSPACE2');
      bytes.set(id, 1036);
      put(1052, label);
    },
    squashfs() {
      put(0, 'hsqs');
      view.setUint16(28, 4, true);
    },
    minix: () => view.setUint16(1040, 0x138f, true),
    luks1() {
      put(0, 'LUKS\xba\xbe\0\x01');
      put(8, 'aes');
      put(40, 'xts-plain64');
      put(72, 'sha256');
      put(168, uuid);
    },
    luks2() {
      put(0, 'LUKS\xba\xbe\0\x02');
      view.setBigUint64(8, 16384n);
      put(24, label);
      put(168, uuid);
      put(4096, luks2Json);
    },
    lvm() {
      put(512, 'LABELONE');
      view.setUint32(512 + 20, 32, true);
      put(512 + 24, 'LVM2 001');
      put(512 + 32, uuid.replaceAll('-', ''));
    },
    md() {
      view.setUint32(4096, 0xa92b4efc, true);
      view.setUint32(4100, 1, true);
      bytes.set(id, 4096 + 16);
      put(4096 + 32, label);
    },
    vfat() {
      put(82, 'FAT32   ');
      view.setUint16(510, 0xaa55, true);
      view.setUint32(67, Number.parseInt(uuid.slice(0, 8), 16), true);
      view.setUint16(11, 512, true);
      view.setUint16(14, 32, true);
      bytes[13] = 1;
      bytes[16] = 2;
      view.setUint32(36, 8, true);
      view.setUint32(44, 2, true);
      put((32 + 16) * 512, label.padEnd(11));
      bytes[(32 + 16) * 512 + 11] = 0x08;
    },
  };
  const putExt = (compatible: number, incompatible: number) => {
    view.setUint16(1024 + 56, 0xef53, true);
    view.setUint32(1024 + 92, compatible, true);
    view.setUint32(1024 + 96, incompatible, true);
    bytes.set(id, 1024 + 104);
    put(1024 + 120, label);
  };
  writers[kind]();
  return bytes;
}

/** Argon2 with 1 GiB for the key, as cryptsetup makes them. */
const luks2Json = JSON.stringify({
  keyslots: {
    0: { type: 'luks2', area: { encryption: 'aes-xts-plain64' }, kdf: { type: 'argon2id', memory: 1048576 }, af: { hash: 'sha256' } },
  },
  segments: { 0: { type: 'crypt', encryption: 'aes-xts-plain64' } },
  digests: { 0: { type: 'pbkdf2', hash: 'sha256' } },
});

/** A GPT with one used entry: partition 2. */
export function buildGpt(guid: string): Uint8Array {
  const bytes = new Uint8Array(deviceBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(encodeText('EFI PART'), 512);
  view.setUint32(512 + 72, 2, true);
  view.setUint32(512 + 80, 128, true);
  view.setUint32(512 + 84, 128, true);
  const [a, b, c, d, e] = guid.split('-');
  const reversed = (text: string) => (text.match(/../g) ?? []).reverse().join('');
  const mixed = reversed(a) + reversed(b) + reversed(c) + d + e;
  bytes.set(
    Uint8Array.from(mixed.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)),
    1024 + 128 + 16,
  );
  return bytes;
}
