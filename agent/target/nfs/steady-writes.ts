/**
 * Files on an NFS server whose bytes are with the server soon after they were written, not when the file ends.
 *
 * Otherwise the page cache takes them, with three consequences: it fills the capture kernel's memory, the progress shown is that of the cache, and a server
 * that has gone is only noticed by the last sync, which may take as long as the whole dump and looks like a standstill to whoever guards the run.
 */
import { MiB } from '../../binary/units.ts';
import { type Sink, SinkError } from '../../sink/sink.ts';
import { wrapSink } from '../../sink/wrap-sink.ts';
import { codeOf } from '../../sys/errno.ts';
import type { System } from '../../sys/system.ts';

/** At 1 MB a second, which is slow, a sync takes 8 s. */
const syncEveryBytes = 8 * MiB;

export function withSteadyWrites(system: System): System {
  return { ...system, createFile: (path, options) => steady(system.createFile(path, options)) };
}

function steady(sink: Sink): Sink {
  let unsyncedBytes = 0;
  const sync = () => {
    ask(sink, () => sink.sync());
    unsyncedBytes = 0;
  };
  return wrapSink(sink, {
    write(offset, bytes) {
      ask(sink, () => sink.write(offset, bytes));
      unsyncedBytes += bytes.length;
      if (unsyncedBytes >= syncEveryBytes) sync();
    },
    sync,
    close: () => ask(sink, () => sink.close()),
  });
}

function ask({ name }: Sink, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof SinkError) || !isBrokenOff(error.cause)) throw error;
    throw new SinkError('sink/io', `Cannot write "${name}": the server did not answer and was given up`, { where: name, cause: error });
  }
}

/** What is broken off ends with an error number that the kernel means for itself, so that it has no name. @source linux/errno.h, ERESTARTSYS */
function isBrokenOff(cause: unknown): boolean {
  return codeOf(cause) === 'EUNKNOWN' || (cause as { errno?: number } | undefined)?.errno === -512;
}
