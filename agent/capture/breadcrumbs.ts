/**
 * Marks of how far the run came, in places that outlive a run of which nothing else is left: the persistent memory of pstore, a variable of the firmware. The next boot
 * reads them.
 */
import { decodeText, encodeText } from '../binary/text.ts';
import type { System } from '../sys/system.ts';

export const stages = ['started', 'target open', 'dmesg saved', 'dumping', 'dump saved', 'finished', 'failed'] as const;
export type Stage = (typeof stages)[number];

export type Breadcrumb = {
  /** Where it was found. */
  readonly place: 'pstore' | 'efi variable';
  readonly stage: string;
  /** Name of the dump's folder. */
  readonly name: string;
  readonly detail: string;
};

const userLog = '/dev/pmsg0';
const pstoreFolder = '/sys/fs/pstore';
const efiFolder = '/sys/firmware/efi/efivars';
/**
 * The vendor id the kernel keeps for crash records: a variable under any other is immutable once it is made (seen with OVMF), this one can be written again, in the
 * same boot and the next.
 * @source linux/efi.h LINUX_EFI_CRASH_GUID; drivers/firmware/efi/vars.c variable_validate
 */
const efiVariable = `${efiFolder}/kcapture-cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0`;
/** EFI_VARIABLE_NON_VOLATILE | BOOTSERVICE_ACCESS | RUNTIME_ACCESS, little endian, in front of the content. @source Documentation/filesystems/efivarfs.rst */
const efiAttributes = [7, 0, 0, 0];
/** Firmware stores wear out and are small: few words, and only the stages that tell most. */
const mostEfiBytes = 160;
const efiStages: ReadonlySet<Stage> = new Set(['started', 'dmesg saved', 'finished', 'failed']);
const mark = 'kcapture-stage';

/** Leaves a mark wherever one can be left; never throws. */
export function leaveBreadcrumb(system: System, stage: Stage, name: string, detail = ''): void {
  const line = `${mark} ${stage.replaceAll(' ', '-')} ${name} ${detail.replace(/\s+/g, ' ')}`.trim();
  attempt(() => system.files.writeExisting(userLog, `${line}\n`));
  if (efiStages.has(stage) && hasEfiVariables(system)) {
    attempt(() => system.files.append(efiVariable, Uint8Array.of(...efiAttributes, ...encodeText(line).subarray(0, mostEfiBytes))));
  }
}

/** What earlier runs left, the last mark of each place. */
export function readBreadcrumbs(system: Pick<System, 'files'>): readonly Breadcrumb[] {
  const { files } = system;
  const found: Breadcrumb[] = [];
  for (const name of files.list(pstoreFolder).filter((entry) => entry.startsWith('pmsg-'))) {
    const lines = (files.readTextIfThere(`${pstoreFolder}/${name}`) ?? '').split('\n');
    const last = lines.findLast((line) => line.includes(mark));
    if (last !== undefined) found.push(...parseMark(last, 'pstore'));
  }
  const variable = files.status(efiVariable) === undefined ? undefined : readQuietly(system, efiVariable);
  if (variable !== undefined) found.push(...parseMark(decodeText(variable.subarray(efiAttributes.length)), 'efi variable'));
  return found;
}

/** Takes the marks away once somebody has read them. */
export function clearBreadcrumbs({ files }: Pick<System, 'files'>): void {
  attempt(() => files.remove(efiVariable));
}

function parseMark(line: string, place: Breadcrumb['place']): readonly Breadcrumb[] {
  const [, stage, name, detail] = new RegExp(`${mark} ([a-z-]{1,40})(?: (\\S{1,100}))?(?: (.{0,400}))?`).exec(line) ?? [];
  return stage === undefined ? [] : [{ place, stage: stage.replaceAll('-', ' '), name: name ?? '', detail: detail ?? '' }];
}

/** Mounts their file system where the machine has EFI and nobody has done it yet. */
function hasEfiVariables(system: System): boolean {
  if (system.files.status('/sys/firmware/efi') === undefined) return false;
  if (system.files.list(efiFolder).length > 0) return true;
  attempt(() => system.kernel.mount({ source: 'efivarfs', target: efiFolder, fsType: 'efivarfs', options: 'nosuid,nodev,noexec' }));
  return system.files.list(efiFolder).length > 0;
}

function readQuietly({ files }: Pick<System, 'files'>, path: string): Uint8Array | undefined {
  try {
    return files.readAt(path, 0, 4096);
  } catch {
    return undefined;
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // One place less.
  }
}
