/** What the runtime of our executable is told in the capture kernel, read from the script that starts it there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `NAME=VALUE` words. */
export function captureSettings(): readonly string[] {
  const script = readFileSync(join(import.meta.dirname, '../../hooks/capture.sh'), 'utf8');
  const words = /^BUN_OPTIONS=.*$/m.exec(script)?.[0].split(' ');
  if (words === undefined) throw new Error('Cannot find the memory settings in hooks/capture.sh');
  return words;
}
