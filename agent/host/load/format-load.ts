/** What was loaded, or would be, for people. */
import { formatBytes } from '../../binary/units.ts';
import { commandLineBytes } from '../../linux/command-line.ts';
import type { KcaptureError } from '../../errors.ts';
import { commandLineLimit } from './check-line-length.ts';
import type { LoadPlan, LoadResult } from './load.ts';

export function formatLoaded(plan: LoadPlan, { record }: LoadResult): string {
  return `Loaded: a crash will be captured by kernel ${record.release}\n${formatFiles(plan)}`;
}

/** The whole plan, with the reason for each word of the command line. */
export function formatPlan(plan: LoadPlan, problems: readonly KcaptureError[]): string {
  const list = (title: string, rows: readonly { readonly word: string; readonly reason: string }[]) =>
    rows.length === 0 ? '' : `${title}\n${rows.map(({ word, reason }) => `  ${word}: ${reason}\n`).join('')}`;
  const { line, kernel, setting } = plan;
  const against = problems.map(({ message, hint }) => `  ${message}\n${hint === undefined ? '' : `    ${hint}\n`}`).join('');
  return [
    `Would load for a crash: kernel ${kernel.release}\n`,
    formatFiles(plan),
    `  reserved      ${formatBytes(setting.regionBytes)}\n`,
    `  command line  ${commandLineBytes(line.text)} of ${commandLineLimit(kernel.image)} bytes\n    ${line.text}\n`,
    list('Words of the running kernel that are left out:', line.removed),
    list('Words that are added:', line.added),
    problems.length === 0 ? 'Nothing known speaks against it.\n' : `What speaks against it:\n${against}`,
  ].join('');
}

function formatFiles({ kernel, image, imageBytes }: LoadPlan): string {
  const wrapping = kernel.wrapping === undefined ? '' : `, taken out of ${kernel.wrapping}, "${kernel.source}"`;
  const size = imageBytes === undefined ? '' : `${formatBytes(imageBytes)}, `;
  return `  kernel        ${kernel.path} (${kernel.image.what}${kernel.image.signed ? ', signed' : ''}${wrapping})\n  image         ${image.finalPath} (${size}${image.origin})\n`;
}
