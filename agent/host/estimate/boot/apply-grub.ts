/**
 * Writes the GRUB drop-in and makes GRUB's configuration anew; takes the file back when that fails. The file goes into the record of what was installed, so
 * that `kcapture install --uninstall` removes it.
 */
import { createHash } from 'node:crypto';
import { KcaptureError } from '../../../errors.ts';
import type { System } from '../../../sys/system.ts';
import { type InstalledEntry, readRecord, writeRecord } from '../../install/record.ts';
import { hostPaths } from '../../paths.ts';
import type { BootEdit } from './boot-edit.ts';
import { grubCommand, grubDropInText } from './grub.ts';

/** Codes: `estimate/cannot-apply`, `estimate/grub`. */
export class EstimateError extends KcaptureError {}

export type Applied = { readonly file: string; readonly command: string /** False: it was there already. */; readonly changed: boolean };

const grubTimeoutMs = 5 * 60_000;

/** @throws EstimateError; FilesError. */
export function applyGrub(system: System, word: string, edit: BootEdit, version: string): Applied {
  const command = grubCommand(system);
  if (!edit.canApply || command === undefined) {
    const hint = `Do it by hand:\n  ${edit.steps.join('\n  ')}`;
    throw new EstimateError(
      'estimate/cannot-apply',
      `Cannot change the boot loader's configuration: ${edit.loader} is used here, expected GRUB with drop-ins and no other file that says crashkernel=`,
      { hint },
    );
  }
  const file = hostPaths.grubDropIn;
  const before = system.files.readTextIfThere(file);
  const content = grubDropInText(word);
  system.files.write(file, content);
  try {
    runGrub(system, command);
  } catch (error) {
    if (before === undefined) system.files.remove(file);
    else system.files.write(file, before);
    throw error;
  }
  remember(system, file, content, version);
  return { file, command: command.join(' '), changed: before !== content };
}

function runGrub(system: System, command: readonly string[]): void {
  const { status, stderr } = system.programs.run(command, { timeoutMs: grubTimeoutMs });
  if (status === 0) return;
  const said = stderr.trim().split('\n').slice(-3).join('; ').slice(0, 400);
  throw new EstimateError(
    'estimate/grub',
    `Cannot make GRUB's configuration anew: "${command.join(' ')}" gave status ${status}: ${said}. Nothing was changed`,
    {
      hint: 'Run the command by hand and mend what it complains about.',
    },
  );
}

function remember(system: System, path: string, content: string, version: string): void {
  const record = readRecord(system.files) ?? { version: 1, kcapture: version, entries: [] };
  const entry: InstalledEntry = { kind: 'file', path, sha256: createHash('sha256').update(content).digest('hex'), mode: 0o644 };
  system.files.makeFolder(hostPaths.state);
  writeRecord(system.files, { ...record, entries: [...record.entries.filter((old) => old.path !== path), entry] });
}
