/** A regular file that a system takes for a block device: opened without creating it, with a size of its own. */
import { closeSync, fstatSync, fsyncSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Sink, SinkError } from '../sink/sink.ts';
import type { RootedSystem } from './rooted-system.ts';

/** The same system with the file at `device` for a device. The file must be there. */
export function withFileDevice(system: RootedSystem, device: string): RootedSystem {
  const place = join(system.root, device);
  return {
    ...system,
    isBlockDevice: (path) => path === device || system.isBlockDevice(path),
    createFile: (path, options) => (path === device ? openFileDevice(place) : system.createFile(path, options)),
    files: {
      ...system.files,
      status: (path) => {
        const status = system.files.status(path);
        return path === device && status !== undefined ? { ...status, kind: 'block' } : status;
      },
    },
    kernel: { ...system.kernel, blockDeviceSize: () => statSync(place).size },
  };
}

function openFileDevice(place: string): Sink {
  const fd = openSync(place, 'r+');
  const sizeBytes = fstatSync(fd).size;
  let isOpen = true;
  return {
    name: place,
    seekable: true,
    keepsOldBytes: true,
    write(offset, bytes) {
      if (offset + bytes.length > sizeBytes) throw new SinkError('sink/no-space', `Cannot write "${place}": the device ends`);
      writeSync(fd, bytes, 0, bytes.length, offset);
    },
    sync: () => fsyncSync(fd),
    close() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}
