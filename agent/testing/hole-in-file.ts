/** A file with a place that cannot be read, as memory that has gone bad: for tests. */
import type { System } from '../sys/system.ts';
import { type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';

type Hole = { readonly from: number; readonly to: number };

/** Its files, of which those whose path ends so have a hole. */
export function withHole(system: System, end: string, hole: Hole): Pick<System, 'openFile'> {
  return {
    openFile: (path, options) => {
      const file = system.openFile(path, options);
      return path.endsWith(end) ? withoutPart(file, hole) : file;
    },
  };
}

function withoutPart(file: MemoryFile, { from, to }: Hole): MemoryFile {
  const check = (offset: number, length: number) => {
    if (offset < to && offset + length > from)
      throw new VmcoreError('vmcore/io', `Cannot read "${file.path}" at ${offset}: input/output error`);
  };
  return {
    path: file.path,
    sizeBytes: file.sizeBytes,
    read(offset, target) {
      check(offset, target.length);
      file.read(offset, target);
    },
    openWindow(capacityBytes, buffer) {
      const window = file.openWindow(capacityBytes, buffer);
      return {
        bytes: window.bytes,
        capacityBytes: window.capacityBytes,
        locate(offset, length) {
          check(offset, length);
          return window.locate(offset, length);
        },
        close: () => window.close(),
      };
    },
    close: () => file.close(),
  };
}
