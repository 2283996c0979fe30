/** What this installation should put on a system: files with their content, ready to be compared with what is there. */
import { createHash } from 'node:crypto';
import { panicDropIn, type PanicEventName } from '../../linux/panic-events.ts';
import type { Files } from '../../sys/files-interface.ts';
import { hostPaths } from '../paths.ts';
import { configurationTemplate, type ShippedFile, type SystemPart, shippedFiles } from '../shipped-files.ts';
import type { InstallRecord } from './record.ts';

export type WantedFile = {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly mode: number;
  /** An administrator who changed it has done what it is for. */
  readonly isConfiguration?: boolean;
};

export type Generator = 'auto' | 'dracut' | 'mkinitcpio' | 'own';

export type Wishes = {
  /** Which generators' files are written. `auto`: those of every generator that is there. */
  readonly generator: Generator;
  /** `undefined`: nothing is said, so what an earlier installation wrote stays. */
  readonly panicOn: readonly PanicEventName[] | undefined;
  /** The running executable. `undefined`: it stands at its place already. */
  readonly executable: Uint8Array | undefined;
};

export const executablePlace = '/usr/bin/kcapture';
export const panicDropInPath = '/etc/sysctl.d/90-kcapture.conf';

export type WantedOptions = {
  readonly parts: ReadonlySet<SystemPart>;
  readonly previous: InstallRecord | undefined;
  readonly wishes: Wishes;
};

/** Files that belong to the administrator once they are there: a later installation that does not speak of them leaves them. */
export function isAdministrators(path: string): boolean {
  return path === panicDropInPath || path === executablePlace || path === hostPaths.configurations[0] || path === hostPaths.grubDropIn;
}

/** @param files of the system that is installed to. */
export function wantedFiles(files: Pick<Files, 'status'>, { parts, previous, wishes }: WantedOptions): readonly WantedFile[] {
  const byPath = new Map<string, WantedFile>();
  for (const file of shippedFiles) {
    if (isWanted(file, parts, wishes.generator)) byPath.set(file.path, wanted(file.path, file.text, file.mode));
  }
  if (wishes.panicOn !== undefined) byPath.set(panicDropInPath, wanted(panicDropInPath, panicDropIn(wishes.panicOn), 0o644));
  if (wishes.executable !== undefined) byPath.set(executablePlace, wanted(executablePlace, wishes.executable, 0o755));
  const configuration = wantedConfiguration(files, previous, wishes.generator);
  if (configuration !== undefined) byPath.set(configuration.path, configuration);
  return [...byPath.values()];
}

/** Never where there is one already: a new `kcapture.conf` would make the machine's `kdump.conf` unread. */
function wantedConfiguration(
  files: Pick<Files, 'status'>,
  previous: InstallRecord | undefined,
  generator: Generator,
): WantedFile | undefined {
  const [path] = hostPaths.configurations;
  const isOurs = previous?.entries.some((entry) => entry.path === path) ?? false;
  const there = hostPaths.configurations.filter((name) => files.status(name) !== undefined);
  if (!(there.length === 0 || (isOurs && there[0] === path))) return undefined;
  const text = generator === 'auto' ? configurationTemplate : `${configurationTemplate}\ngenerator ${generator}\n`;
  return { ...wanted(path, text, 0o600), isConfiguration: true };
}

function isWanted({ part }: ShippedFile, parts: ReadonlySet<SystemPart>, generator: Generator): boolean {
  if (generator !== 'auto' && (part === 'dracut' || part === 'mkinitcpio') && part !== generator) return false;
  return parts.has(part);
}

function wanted(path: string, content: string | Uint8Array, mode: number): WantedFile {
  return { path, content, mode, sha256: createHash('sha256').update(content).digest('hex') };
}
