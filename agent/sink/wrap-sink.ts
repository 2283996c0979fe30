/** A sink in front of another, for what is to happen at some of its calls. */
import type { Sink, WriteQueue } from './sink.ts';

export type WrappedCalls = {
  /** Before bytes are given to the sink, at once or by its queue; may throw. */
  readonly before?: (offset: number, length: number) => void;
  /** Around whatever takes the sink's time while bytes are written. */
  readonly around?: (action: () => void) => void;
  /** Instead of the sink's own; there is no queue then. */
  readonly write?: Sink['write'];
  readonly sync?: Sink['sync'];
  readonly close?: Sink['close'];
};

/** The same sink, with some of its calls done otherwise. Without any it passes everything on. */
export function wrapSink(sink: Sink, calls: WrappedCalls): Sink {
  const { before = () => {}, around = (action) => action() } = calls;
  const write = (offset: number, bytes: Uint8Array) => {
    before(offset, bytes.length);
    around(() => sink.write(offset, bytes));
  };
  return {
    name: sink.name,
    seekable: sink.seekable,
    rewritable: sink.rewritable,
    keepsOldBytes: sink.keepsOldBytes,
    write: calls.write ?? write,
    openQueue: () => {
      const queue = calls.write === undefined ? sink.openQueue?.() : undefined;
      return queue === undefined ? undefined : wrapQueue(queue, before, around);
    },
    sync: calls.sync ?? (() => sink.sync()),
    close: calls.close ?? (() => sink.close()),
  };
}

function wrapQueue(queue: WriteQueue, before: (offset: number, length: number) => void, around: (action: () => void) => void): WriteQueue {
  return {
    pieces: queue.pieces,
    begin(offset, bytes) {
      before(offset, bytes.length);
      around(() => queue.begin(offset, bytes));
    },
    settle: () => around(() => queue.settle()),
  };
}
