/**
 * Whether this kernel demands signatures: its lockdown state and the firmware's Secure Boot.
 *
 * @source security/lockdown/lockdown.c, lockdown_read(); UEFI specification 2.10, §3.3 (SecureBoot, SetupMode); Documentation/filesystems/efivarfs.rst (four
 *   bytes of attributes come before a variable's value)
 */
import type { System } from '../sys/system.ts';

export type LockdownState = 'none' | 'integrity' | 'confidentiality';

export type Lockdown = {
  /** `undefined`: this kernel has no lockdown, or does not tell. */
  readonly state: LockdownState | undefined;
  /** The firmware runs signed programs only. `undefined`: no EFI, or not told. */
  readonly secureBoot: boolean | undefined;
};

const lockdownPath = '/sys/kernel/security/lockdown';
const globalVariables = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
const states: readonly LockdownState[] = ['none', 'integrity', 'confidentiality'];

export function readLockdown(system: System): Lockdown {
  return { state: parseLockdown(system.files.readTextIfThere(lockdownPath) ?? ''), secureBoot: readSecureBoot(system) };
}

/** True when a kernel without a good signature is refused. */
export function demandsSignature(lockdown: Lockdown): boolean {
  return lockdown.state === 'integrity' || lockdown.state === 'confidentiality';
}

/** The state in brackets: `none [integrity] confidentiality`. */
export function parseLockdown(text: string): LockdownState | undefined {
  const chosen = /\[([a-z]+)\]/.exec(text)?.[1];
  return states.find((state) => state === chosen);
}

function readSecureBoot(system: System): boolean | undefined {
  const enabled = readFlag(system, 'SecureBoot');
  if (enabled === undefined) return undefined;
  // In set-up mode keys may still be written, so nothing is enforced.
  return enabled && readFlag(system, 'SetupMode') !== true;
}

function readFlag(system: System, name: string): boolean | undefined {
  const path = `/sys/firmware/efi/efivars/${name}-${globalVariables}`;
  if (system.files.status(path) === undefined) return undefined;
  try {
    const bytes = system.files.readAt(path, 0, 5);
    return bytes.length === 5 ? bytes[4] === 1 : undefined;
  } catch {
    return undefined;
  }
}
