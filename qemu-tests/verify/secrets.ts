/** Secrets of targets: where they must not be found, and how the image keeps them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks } from './checks.ts';
import { unpackImage } from './unpack-image.ts';

/** A hook for the capture kernel: prints the command lines of all processes on the console, from time to time until the machine restarts. */
export const printCommandLines = [
  '#!/bin/sh',
  '{',
  'while :; do',
  "  for file in /proc/[0-9]*/cmdline; do busybox tr '\\0' ' ' <$file; echo; done >/dev/ttyS0",
  '  busybox sleep 2',
  'done',
  '} >/dev/null 2>&1 </dev/null &',
  '',
].join('\n');

/**
 * Nobody but root may read the image, nor a file in it that holds a secret.
 * @param folder where it is unpacked.
 */
export function checkImage(checks: Checks, name: string, image: string, folder: string, secrets: readonly string[]): void {
  const access = (path: string) => {
    const { mode, uid } = statSync(path);
    return `${(mode & 0o7777).toString(8)} ${uid}`;
  };
  checks.equal(access(image), '600 0', `${name}: nobody but root may read the image`);
  unpackImage(image, folder);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  const holders = paths.filter((path) => {
    const bytes = readFileSync(path);
    return secrets.some((secret) => bytes.includes(secret));
  });
  checks.equal(
    holders.filter((path) => access(path) !== '600 0'),
    [],
    `${name}: nor, in the image, the files that hold a secret (${holders.length} of ${paths.length})`,
  );
  checks.equal(holders.length > 0, secrets.length > 0, `${name}: the search finds those files`);
}

/** No secret is in any of the texts. */
export function checkSecrets(checks: Checks, name: string, secrets: readonly string[], texts: Readonly<Record<string, string>>): void {
  const found = Object.entries(texts).filter(([, text]) => secrets.some((secret) => text.includes(secret)));
  checks.equal(
    found.map(([where]) => where),
    [],
    `${name}: no secret is in ${Object.keys(texts).join(', ')}`,
  );
  checks.ok(/kcapture capture/.test(texts.console ?? ''), `${name}: the command lines of the capture kernel were on the console`);
}
