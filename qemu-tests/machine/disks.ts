/**
 * The table of disks a machine can have beside its root: a name, what is on it, and the commands that make and open it in the guest.
 *
 * Identifiers are made from the disk's name, so that a configuration can be written down before the disk exists. In the commands `$dev` is the
 * whole disk, `$uuid` and `$part_uuid` its identifiers, `$name` its name, `$at` the folder it is mounted on.
 */
import { createHash } from 'node:crypto';

export type DiskKind = keyof typeof kinds;

export type MachineDisk = {
  /** Lower-case letters and digits, at most 20 (a virtio serial). */
  readonly name: string;
  readonly kind: DiskKind;
  readonly sizeMiB: number;
};

/** How a disk is plugged in for one boot. */
export type Attachment = 'read-only' | 'absent' | { readonly writesPerSecond: number };

type Recipe = {
  /** Run once, on the machine's first boot. */
  readonly make: string;
  /** Makes what is on it readable below `$at`. */
  readonly open: string;
};

const gpt = `printf "label: gpt\\n, , L\\n" | sfdisk -q "$dev" && sfdisk -q --part-uuid "$dev" 1 "$part_uuid" && wait_block "\${dev}1"`;
const keyFile = '/etc/kcapture-keys/$name.key';
const mountByUuid = (type: string, options = 'defaults') => `mount -t ${type} -o ${options} "UUID=$uuid" "$at"`;

const kinds = {
  /** Nothing on it. */
  empty: { make: 'true', open: 'true' },
  /** A GPT partition without a file system, for dumps as a stream. */
  'raw-partition': { make: gpt, open: 'true' },
  /** ext4 on a GPT partition. */
  ext4: { make: `${gpt} && mkfs.ext4 -q -U "$uuid" -L "$name" "\${dev}1"`, open: mountByUuid('ext4') },
  /** At least 300 MiB. */
  xfs: { make: `${gpt} && mkfs.xfs -q -m "uuid=$uuid" -L "$name" "\${dev}1"`, open: mountByUuid('xfs') },
  /** The dumps' place is the subvolume `@crash`; the top level holds an empty `@` too. */
  btrfs: {
    make: `${gpt} && mkfs.btrfs -q -U "$uuid" "\${dev}1" && mount -t btrfs "\${dev}1" "$at" &&
      btrfs subvolume create "$at/@" && btrfs subvolume create "$at/@crash" && umount "$at"`,
    open: mountByUuid('btrfs', 'subvol=/@crash'),
  },
  /** ext4 in the logical volume `vg_NAME/crash`. */
  lvm: {
    make: `${gpt} && pvcreate -q "\${dev}1" && vgcreate -q "vg_$name" "\${dev}1" &&
      lvcreate -q -W n -l 100%FREE -n crash "vg_$name" && mkfs.ext4 -q -U "$uuid" "/dev/vg_$name/crash"`,
    open: `vgchange -q -ay "vg_$name" && ${mountByUuid('ext4')}`,
  },
  /** ext4 in a LUKS2 volume whose key file is on the root disk. `$part_uuid` is the LUKS header's UUID too. */
  luks: {
    make: `${gpt} && mkdir -p -m 700 /etc/kcapture-keys && (umask 077 && head -c 64 /dev/urandom >"${keyFile}") &&
      cryptsetup luksFormat -q --type luks2 --uuid "$part_uuid" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "\${dev}1" "${keyFile}" &&
      cryptsetup open --key-file "${keyFile}" "\${dev}1" "crypt_$name" && mkfs.ext4 -q -U "$uuid" "/dev/mapper/crypt_$name"`,
    open: `[ -b "/dev/mapper/crypt_$name" ] || cryptsetup open --key-file "${keyFile}" "\${dev}1" "crypt_$name"; ${mountByUuid('ext4')}`,
  },
} as const satisfies Readonly<Record<string, Recipe>>;

/** UUID of the disk's file system. */
export function diskUuid(name: string): string {
  return uuidOf(`file system ${name}`);
}

/** PARTUUID of the disk's only partition; for `luks` the UUID of its LUKS header too. */
export function partitionUuid(name: string): string {
  return uuidOf(`partition ${name}`);
}

/** Shell functions `make_disk_NAME` and `open_disk_NAME` for each disk. */
export function diskFunctions(disks: readonly MachineDisk[]): string {
  return disks.map(diskFunction).join('');
}

function diskFunction({ name, kind }: MachineDisk): string {
  const { make, open } = kinds[kind];
  const settings = `name=${name} uuid=${diskUuid(name)} part_uuid=${partitionUuid(name)} at=/disk/${name}`;
  const around = (body: string) => `dev=$(disk ${name}) || return 1\n${settings}\nmkdir -p "$at"\n${body}\n`;
  return `make_disk_${name}() {\n${around(make)}}\nopen_disk_${name}() {\n${around(`mountpoint -q "$at" && return 0\n${open}`)}}\n`;
}

function uuidOf(words: string): string {
  const hex = createHash('sha256').update(words).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
