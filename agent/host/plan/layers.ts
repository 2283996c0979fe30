/** The layers below a target as the plan names them, and what opening each takes: programs, modules, keys, memory. */
import type { DeviceLayer } from '../../config/armed-plan.ts';
import { formatBytes, MiB } from '../../binary/units.ts';
import type { BlockStack, StackLayer } from '../../linux/block-stack.ts';
import { type LuksHeader, readLuksHeader } from '../../linux/luks-header.ts';
import type { System } from '../../sys/system.ts';
import { findKeyFile } from './crypttab.ts';
import type { Needs } from './needs.ts';

type LuksLayer = Extract<StackLayer, { kind: 'luks' }>;

/** More than this is worth a word: the reservation must have room for it. */
const worthMentioningBytes = 32 * MiB;
/** RAID level as sysfs spells it → module. */
const raidModules: Readonly<Record<string, string>> = {
  linear: 'linear',
  raid0: 'raid0',
  raid1: 'raid1',
  raid4: 'raid456',
  raid5: 'raid456',
  raid6: 'raid456',
  raid10: 'raid10',
};

export function addLayers(system: System, stack: BlockStack, needs: Needs): readonly DeviceLayer[] {
  return stack.layers.map((layer) => {
    if (layer.kind === 'luks') return addLuks(system, layer, needs);
    if (layer.kind === 'lvm') return addVolume(system, layer, needs);
    needs.programs.push('mdadm');
    needs.modules.push('md_mod', raidModules[layer.level] ?? layer.level);
    return { kind: 'md', uuid: layer.uuid };
  });
}

function addLuks(system: System, { uuid, name, path }: LuksLayer, needs: Needs): DeviceLayer {
  const header = readLuksHeader(system, path);
  needs.programs.push('cryptsetup');
  // Opened by the C library when a thread ends, which Argon2's threads do.
  needs.libraries.push('libgcc_s.so.1');
  needs.modules.push('dm_mod', 'dm_crypt');
  needs.optionalModules.push('algif_skcipher', 'algif_hash', ...cryptoAliases(header));
  if (header?.hasIntegrity) needs.modules.push('dm_integrity');
  const key = findKeyFile(system, name, uuid);
  if (key.path === undefined) {
    needs.warnings.push(
      `The encrypted device ${name} cannot be opened with nobody there: ${key.why}. Give it a key file in /etc/crypttab, or choose a target that is not encrypted.`,
    );
    return { kind: 'luks', uuid, name, keyFile: undefined };
  }
  if ((header?.keyMemoryBytes ?? 0) > worthMentioningBytes) {
    const memory = formatBytes(header?.keyMemoryBytes ?? 0);
    needs.warnings.push(
      `Opening ${name} takes ${memory} of memory for Argon2: the reservation must have room for that, or add a key slot with --pbkdf pbkdf2.`,
    );
  }
  const keyFile = `/etc/kcapture/keys/${uuid}`;
  needs.keyFiles.push({ source: key.path, destination: keyFile, mode: 0o600 });
  return { kind: 'luks', uuid, name, keyFile };
}

/** dm-crypt asks the kernel's crypto for each part by name: `aes-xts-plain64` needs `xts`, `aes` and, below `xts`, `ecb`. */
function cryptoAliases(header: LuksHeader | undefined): readonly string[] {
  const ciphers = header?.ciphers ?? ['aes-xts-plain64'];
  const parts = ciphers.flatMap((cipher) => cipher.split(/[-:]/)).filter((part) => !/^(plain|plain64|plain64be|null|random)$/.test(part));
  const words = [...parts, ...(header?.hashes ?? ['sha256'])].filter((word) => /^[a-z0-9]+$/.test(word));
  return [...new Set([...words, 'ecb', 'cbc'])].map((word) => `crypto-${word}`);
}

function addVolume(system: System, layer: Extract<StackLayer, { kind: 'lvm' }>, needs: Needs): DeviceLayer {
  needs.programs.push('lvm');
  needs.modules.push('dm_mod');
  needs.optionalModules.push(...mapperTargets(system, layer.name));
  return { kind: 'lvm', volumeGroup: layer.volumeGroup, logicalVolume: layer.logicalVolume };
}

/** What kinds of mapping a volume is made of, e.g. `thin`, as the names of their modules; the plain ones are in dm_mod. */
function mapperTargets({ programs }: System, name: string): readonly string[] {
  const { status, stdout } = programs.run(['dmsetup', 'deps', '-o', 'devname', name]);
  const names = status === 0 ? [...stdout.matchAll(/\(([^()]+)\)/g)].map(([, dependency]) => dependency) : [];
  const tables = [name, ...names].map((device) => programs.run(['dmsetup', 'table', device]));
  const kinds = tables
    .filter((table) => table.status === 0)
    .flatMap(({ stdout: text }) => text.split('\n').map((line) => line.split(' ')[2] ?? ''));
  const modules = {
    thin: 'dm_thin_pool',
    'thin-pool': 'dm_thin_pool',
    snapshot: 'dm_snapshot',
    'snapshot-origin': 'dm_snapshot',
    mirror: 'dm_mirror',
    raid: 'dm_raid',
    cache: 'dm_cache',
    writecache: 'dm_writecache',
    vdo: 'dm_vdo',
    integrity: 'dm_integrity',
  };
  return kinds.flatMap((kind) => modules[kind as keyof typeof modules] ?? []);
}
