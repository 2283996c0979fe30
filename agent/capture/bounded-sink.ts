/** A system whose files leave some of the target free: a dump that would take the rest finds the disk full, and ends as it does on a full disk. */
import { formatBytes, MiB } from '../binary/units.ts';
import { type Sink, SinkError } from '../sink/sink.ts';
import { wrapSink } from '../sink/wrap-sink.ts';
import type { System } from '../sys/system.ts';

export type Bounds = {
  /** To stay free. */
  readonly minFreeBytes: number;
  /** Room on the target now; asked rarely. */
  readonly freeBytes: () => number;
  /** Called with every write and sync; may throw. */
  readonly onWrite: () => void;
};

/** Bytes between two looks at the free space, fewer when it is near its end. */
const lookEveryBytes = 16 * MiB;

export function withBounds(system: System, bounds: Bounds): System {
  return { ...system, createFile: (path, options) => bounded(system.createFile(path, options), bounds) };
}

function bounded(sink: Sink, { minFreeBytes, freeBytes, onWrite }: Bounds): Sink {
  const { name } = sink;
  let endBytes = 0;
  /** Bytes that may be added before the next look. */
  let budget = 0;
  const look = (growth: number) => {
    const room = freeBytes() - minFreeBytes;
    if (room < growth) {
      const asked = `${formatBytes(minFreeBytes)} have to stay free`;
      throw new SinkError('sink/no-space', `Cannot write "${name}": no space is left, ${asked}`, { where: name });
    }
    budget = Math.max(growth, Math.min(room, lookEveryBytes));
  };
  return wrapSink(sink, {
    before(offset, length) {
      onWrite();
      // What lies before the end is there already: headers written again take no room.
      const growth = Math.min(length, Math.max(0, offset + length - endBytes));
      if (growth > budget && minFreeBytes > 0) look(growth);
      budget -= growth;
      endBytes = Math.max(endBytes, offset + length);
    },
    sync() {
      onWrite();
      sink.sync();
    },
  });
}
