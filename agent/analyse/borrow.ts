/** A file lent to a reader that would otherwise close it. */
import type { MemoryFile } from '../vmcore/memory-file.ts';

/** @param sizeBytes what the reader is told; reading beyond the real end fails as it always does. */
export function borrow(file: MemoryFile, sizeBytes = file.sizeBytes): MemoryFile {
  return {
    path: file.path,
    sizeBytes,
    heldBytes: sizeBytes === file.sizeBytes ? file.heldBytes : undefined,
    read: (offset, target) => file.read(offset, target),
    openWindow: (capacityBytes) => file.openWindow(capacityBytes),
    close() {},
  };
}
