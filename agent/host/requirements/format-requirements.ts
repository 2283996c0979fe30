/** Requirements as lines for shell scripts: a kind and its fields, parted by tabs. */
import { KcaptureError } from '../../errors.ts';
import type { Requirements } from './requirements.ts';

/** Code: `requirements/bad-field`. */
export class RequirementsError extends KcaptureError {}

/**
 * Modules are not among them: they are files already, decompressed and in the plan's order; by their names a generator would add them again.
 *
 * @throws RequirementsError when a field holds a tab or a newline, which no line can carry.
 */
export function formatRequirements(requirements: Requirements): string {
  const lines: (readonly string[])[] = [
    ...requirements.folders.map(({ path, mode }) => ['folder', path, formatMode(mode)]),
    ...requirements.files.map(({ source, destination, mode }) => ['file', source, destination, formatMode(mode)]),
    ...requirements.programs.map((path) => ['program', path]),
    ...requirements.links.map(({ path, target }) => ['link', path, target]),
    ...requirements.libraries.map((path) => ['library', path]),
    ...requirements.firmware.map((path) => ['firmware', path]),
    ...requirements.commandLineWords.map((word) => ['cmdline', word]),
    ...requirements.warnings.map((text) => ['warning', text.replace(/\s+/g, ' ')]),
  ];
  return lines.map((fields) => `${fields.map(checkField).join('\t')}\n`).join('');
}

function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function checkField(field: string): string {
  if (!/[\t\n\r\0]/.test(field)) return field;
  throw new RequirementsError('requirements/bad-field', `Cannot print ${JSON.stringify(field)}: it holds a tab or a line break`, {
    hint: 'Rename that file.',
  });
}
