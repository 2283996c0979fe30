/** The small effects on files that need nothing but Node: shared by the real system and the one of the tests. */
import { existsSync, readFileSync, readSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { isatty } from 'node:tty';
import { SinkError } from '../sink/sink.ts';
import { VmcoreError } from '../vmcore/memory-file.ts';
import { codeOf, reasonOf } from './errno.ts';
import { syncFolder } from './replace-file.ts';
import type { System } from './system.ts';
import { writeError } from './write-error.ts';

/** The part of a `System` that Node does as well as anything else. */
export const fileEffects: Pick<
  System,
  | 'rename'
  | 'remove'
  | 'sameFile'
  | 'exists'
  | 'isBlockDevice'
  | 'readText'
  | 'now'
  | 'peakMemoryBytes'
  | 'readStandardInput'
  | 'errorIsTerminal'
> = {
  rename(from, to) {
    try {
      renameSync(from, to);
      syncFolder(dirname(to));
    } catch (cause) {
      throw new SinkError('sink/io', `Cannot rename "${from}" to "${to}": ${reasonOf(cause)}`, { where: to, cause });
    }
  },
  remove(path) {
    try {
      unlinkSync(path);
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') throw writeError(path, undefined, cause);
    }
  },
  sameFile(a, b) {
    const first = statSync(a, { bigint: true, throwIfNoEntry: false });
    const second = statSync(b, { bigint: true, throwIfNoEntry: false });
    if (first === undefined || second === undefined) return false;
    if (first.isBlockDevice() && second.isBlockDevice()) return first.rdev === second.rdev;
    return first.dev === second.dev && first.ino === second.ino;
  },
  exists: (path) => existsSync(path),
  isBlockDevice: (path) => statSync(path, { throwIfNoEntry: false })?.isBlockDevice() === true,
  readText(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch (cause) {
      throw new VmcoreError('vmcore/open', `Cannot read "${path}": ${reasonOf(cause)}`, { where: path, cause });
    }
  },
  now: () => performance.now(),
  peakMemoryBytes() {
    // @source proc(5): VmHWM is the highest resident set so far, in units of 1024 bytes
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    return match === null ? process.memoryUsage().rss : Number(match[1]) * 1024;
  },
  readStandardInput(target) {
    for (;;) {
      try {
        return readSync(0, target, 0, target.length, null);
      } catch (cause) {
        const code = codeOf(cause);
        if (code === 'EOF') return 0;
        if (code === 'EAGAIN') Atomics.wait(sleeper, 0, 0, 5);
        else if (code !== 'EINTR') throw new VmcoreError('vmcore/io', `Cannot read standard input: ${reasonOf(cause)}`, { cause });
      }
    }
  },
  errorIsTerminal: isatty(2),
};

const sleeper = new Int32Array(new SharedArrayBuffer(4));
