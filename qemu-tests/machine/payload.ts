/**
 * The squashfs that `kcapture image` packs the executable into, made on the host: in a guest without KVM it takes minutes.
 *
 * The words for mksquashfs are those of `agent/host/image/payload.ts`; were they others, the guest would pack it again.
 */
import { chmodSync, copyFileSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached, cacheFolder, fingerprint } from '../cache.ts';
import { command } from '../command.ts';

const packing = ['-comp', 'xz', '-b', '1M', '-Xbcj', 'x86'];
const alwaysTheSame = [
  '-noappend',
  '-no-progress',
  '-quiet',
  '-all-root',
  '-no-xattrs',
  '-no-exports',
  '-mkfs-time',
  '0',
  '-all-time',
  '0',
];
/** Every build makes another one; this many are kept. */
const kept = 8;

/** Made once for each executable: half a minute. */
export function executablePayload(executable: string): string {
  return cached(`machine/payload-${fingerprint([executable], packing)}.squashfs`, (image) => {
    removeOld();
    const folder = mkdtempSync(join(tmpdir(), 'kcapture-payload-'));
    try {
      copyFileSync(executable, join(folder, 'kcapture'));
      chmodSync(join(folder, 'kcapture'), 0o755);
      command(['mksquashfs', folder, image, ...packing, ...alwaysTheSame]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

function removeOld(): void {
  const images = globSync(join(cacheFolder, 'machine/payload-*.squashfs')).map((path) => ({ path, time: statSync(path).mtimeMs }));
  for (const { path } of images.sort((a, b) => b.time - a.time).slice(kept - 1)) rmSync(path);
}
