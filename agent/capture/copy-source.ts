/** Copies the source byte by byte, for one that cannot be read as a kernel's memory: whoever looks at it later may know better. */
import { KiB, MiB } from '../binary/units.ts';
import { KcaptureError } from '../errors.ts';
import { openOutput } from '../dump/output.ts';
import type { Progress } from '../dump/progress.ts';
import { FlattenedSink } from '../format/flattened/flattened-sink.ts';
import type { System } from '../sys/system.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';

export type CopyResult = {
  readonly path: string;
  readonly writtenBytes: number;
  /** Bytes that could not be read and stand as zeros. */
  readonly unreadableBytes: number;
  /** The copy ended early. */
  readonly problem: KcaptureError | undefined;
};

const pieceBytes = MiB;
const smallPieceBytes = 4 * KiB;
/** More than this many bad pieces in a row: the rest is not there at all. */
const mostBadInRow = 4096;

/** @throws KcaptureError when the source cannot be opened or nothing can be written. What was written before an error stays, under the name that says incomplete. */
export function copySource(
  system: System,
  { source, path, flattened = false }: { readonly source: string; readonly path: string; readonly flattened?: boolean },
  progress: Progress,
): CopyResult {
  const file = system.openFile(source, { mmap: false });
  try {
    const output = openOutput(system, path, { overwrite: true, inPlace: false, dryRun: false, inputs: [source] });
    const state = { done: 0, unreadable: 0 };
    progress.start('copying', Math.ceil(file.sizeBytes / smallPieceBytes), smallPieceBytes);
    try {
      const stream = flattened ? new FlattenedSink(output.sink) : undefined;
      const sink = stream ?? output.sink;
      copyPieces(file, (offset, bytes) => sink.write(offset, bytes), progress, state);
      stream?.end();
      output.commit();
      return { path: output.path, writtenBytes: state.done, unreadableBytes: state.unreadable, problem: undefined };
    } catch (error) {
      if (!(error instanceof KcaptureError)) throw error;
      if (state.done === 0) {
        output.discard();
        throw error;
      }
      output.keepIncomplete();
      return { path: output.path, writtenBytes: state.done, unreadableBytes: state.unreadable, problem: error };
    } finally {
      progress.end();
    }
  } finally {
    file.close();
  }
}

type CopyState = { done: number; unreadable: number };

function copyPieces(file: MemoryFile, write: (offset: number, bytes: Uint8Array) => void, progress: Progress, state: CopyState): void {
  const buffer = new Uint8Array(Math.min(pieceBytes, file.sizeBytes));
  let badInRow = 0;
  while (state.done < file.sizeBytes) {
    const piece = buffer.subarray(0, Math.min(buffer.length, file.sizeBytes - state.done));
    const bad = readPiece(file, state.done, piece);
    badInRow = bad < piece.length ? 0 : badInRow + Math.ceil(bad / smallPieceBytes);
    state.unreadable += bad;
    write(state.done, piece);
    state.done += piece.length;
    progress.update(Math.ceil(state.done / smallPieceBytes));
    if (badInRow > mostBadInRow)
      throw new KcaptureError('vmcore/io', `Cannot read "${file.path}" from ${state.done} on: nothing more comes`);
  }
}

/** Fills what cannot be read with zeros, 4 KiB at a time. @returns how many bytes that are. */
function readPiece(file: MemoryFile, offset: number, piece: Uint8Array): number {
  if (canRead(file, offset, piece)) return 0;
  let bad = 0;
  for (let at = 0; at < piece.length; at += smallPieceBytes) {
    const part = piece.subarray(at, Math.min(at + smallPieceBytes, piece.length));
    if (canRead(file, offset + at, part)) continue;
    part.fill(0);
    bad += part.length;
  }
  return bad;
}

function canRead(file: MemoryFile, offset: number, target: Uint8Array): boolean {
  try {
    file.read(offset, target);
    return true;
  } catch (error) {
    if (error instanceof KcaptureError) return false;
    throw error;
  }
}
