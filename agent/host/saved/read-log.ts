/** The saved log of a crashed kernel: its panic line and its last lines. Only the end of the file is read. */
import { findPanic } from '../../analyse/panic.ts';
import { MiB } from '../../binary/units.ts';
import type { Files } from '../../sys/files-interface.ts';

/** A panic and the report before it fit many times over. */
const tailBytes = 2 * MiB;

/** `undefined`: none in the last 2 MiB, or the file cannot be read. Not safe to print as it is. */
export function readPanicLine(files: Files, path: string, sizeBytes: number): string | undefined {
  const text = readTail(files, path, sizeBytes);
  return text === undefined ? undefined : findPanic(text)?.line;
}

/**
 * The lines around the trouble: from a few above it to the end of its trace; without one the last lines.
 * Not safe to print as they are.
 */
export function readLogEnd(files: Files, path: string, sizeBytes: number, lineCount = 40): readonly string[] {
  const text = readTail(files, path, sizeBytes);
  if (text === undefined) return [];
  const lines = text.trimEnd().split('\n');
  const panic = findPanic(text);
  const start = panic === undefined ? lines.length - lineCount : panic.lineIndex - 2;
  return lines.slice(Math.max(0, start), Math.max(0, start) + lineCount);
}

function readTail(files: Files, path: string, sizeBytes: number): string | undefined {
  try {
    const start = Math.max(0, sizeBytes - tailBytes);
    return new TextDecoder().decode(files.readAt(path, start, Math.min(sizeBytes, tailBytes)));
  } catch {
    return undefined;
  }
}
