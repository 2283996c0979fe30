/** A target's folder below `/etc/kcapture/targets`: made, looked for, taken away. Nothing there is followed that is a link. */
import { isCredentialsFolder } from '../../config/credential-files.ts';
import { credentialFiles, credentialsRoot } from '../../config/credentials.ts';
import type { System } from '../../sys/system.ts';
import { TargetSetUpError } from './target-set-up-error.ts';

type Machine = Pick<System, 'files' | 'kernel'>;

/**
 * Makes the folder, and the one above it, unless they are there; both for root alone.
 * @throws TargetSetUpError `target-set-up/permission`, `target-set-up/folder`; FilesError.
 */
export function makeCredentialsFolder(system: Machine, folder: string): void {
  requireRoot(system, 'keep credentials');
  for (const path of [credentialsRoot, folder]) {
    system.files.makeFolder(path, 0o700);
    requirePlainFolder(system, path);
    system.files.setMode(path, 0o700);
  }
}

/** Mode 0600. @param name one of a target's own. */
export function putCredential({ files }: Machine, folder: string, name: keyof typeof credentialFiles, text: string): void {
  files.write(`${folder}/${credentialFiles[name]}`, text, 0o600);
}

/** Names of the folders that are there. */
export function listCredentialsFolders({ files }: Pick<System, 'files'>): readonly string[] {
  if (files.linkStatus(credentialsRoot)?.kind !== 'folder') return [];
  const paths = files.list(credentialsRoot).map((name) => `${credentialsRoot}/${name}`);
  return paths.filter((path) => files.linkStatus(path)?.kind === 'folder');
}

/**
 * @returns false when there is none.
 * @throws TargetSetUpError `target-set-up/permission`, `target-set-up/folder` for one that is a link or lies elsewhere.
 */
export function removeCredentialsFolder(system: Machine, folder: string): boolean {
  requireRoot(system, 'remove credentials');
  if (!isCredentialsFolder(folder)) throw unfit(folder, `expected a folder in ${credentialsRoot}`);
  if (system.files.linkStatus(folder) === undefined) return false;
  for (const path of [credentialsRoot, folder]) requirePlainFolder(system, path);
  system.files.removeTree(folder);
  return true;
}

/** @throws TargetSetUpError `target-set-up/permission`. @param what `keep credentials` */
export function requireRoot({ kernel }: Machine, what: string): void {
  if (kernel.effectiveUserId() === 0) return;
  throw new TargetSetUpError('target-set-up/permission', `Cannot ${what} in "${credentialsRoot}": only root may`, { hint: 'Use sudo' });
}

function requirePlainFolder({ files }: Machine, path: string): void {
  const status = files.linkStatus(path);
  if (status?.kind !== 'folder') throw unfit(path, `it is a ${status?.kind ?? 'file that vanished'}, expected a folder`);
  if (status.uid !== 0) throw unfit(path, `it belongs to user ${status.uid}, expected root`);
}

function unfit(path: string, found: string): TargetSetUpError {
  return new TargetSetUpError('target-set-up/folder', `Cannot use "${path}" for credentials: ${found}`, {
    where: path,
    hint: `Look at it: ls -ld ${path}; take away what does not belong there`,
  });
}
