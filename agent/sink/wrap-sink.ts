/** A sink in front of another, for what is to happen at some of its calls. */
import type { Sink } from './sink.ts';

/** The same sink, with some of its calls done otherwise. Without any it passes everything on. */
export function wrapSink(sink: Sink, calls: Partial<Pick<Sink, 'write' | 'sync' | 'close'>>): Sink {
  return {
    name: sink.name,
    seekable: sink.seekable,
    rewritable: sink.rewritable,
    keepsOldBytes: sink.keepsOldBytes,
    write: (offset, bytes) => sink.write(offset, bytes),
    sync: () => sink.sync(),
    close: () => sink.close(),
    ...calls,
  };
}
