/** The squashfs that `kcapture image` packs the executable into, made on the host: in a guest without KVM it takes minutes. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bestPackingWords } from '../../agent/host/image/payload.ts';
import { cached, fingerprint, removeOld } from '../cache.ts';
import { command } from '../command.ts';

const packing = bestPackingWords('x86_64');
/** Every build makes another one; this many are kept. */
const kept = 8;

/** Made once for each executable: half a minute. */
export function executablePayload(executable: string): string {
  return cached(`machine/payload-${fingerprint([executable], packing)}.squashfs`, (image) => {
    removeOld('machine/payload-*.squashfs', kept - 1);
    const folder = mkdtempSync(join(tmpdir(), 'kcapture-payload-'));
    try {
      copyFileSync(executable, join(folder, 'kcapture'));
      chmodSync(join(folder, 'kcapture'), 0o755);
      command(['mksquashfs', folder, image, ...packing]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
