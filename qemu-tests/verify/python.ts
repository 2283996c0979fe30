/**
 * Runs the Python witnesses of this folder: with the system's Python, which has libkdumpfile's binding, or with sid's, whose drgn also
 * opens flattened dumps.
 */
import { join } from 'node:path';
import { command } from '../command.ts';
import { type ForeignProgram, foreignProgram } from '../foreign-program.ts';

/** @returns What the script printed, read as JSON. */
export function runPython<Result>(script: string, words: readonly string[], input = ''): Result {
  return JSON.parse(
    command(['/usr/bin/python3', join(import.meta.dirname, script), ...words], { input, env: { PYTHONDONTWRITEBYTECODE: '1' } }),
  ) as Result;
}

/** The same with the Python, drgn and libkdumpfile of sid. */
export function runNewestDrgn<Result>(script: string, words: readonly string[], input = ''): Result {
  const { argv, root } = prepareNewestDrgn();
  const env = { PYTHONHOME: join(root, 'usr'), PYTHONPATH: join(root, 'usr/lib/python3/dist-packages'), PYTHONDONTWRITEBYTECODE: '1' };
  return JSON.parse(command([...argv, join(import.meta.dirname, script), ...words], { input, env })) as Result;
}

export function prepareNewestDrgn(): ForeignProgram {
  return foreignProgram('sid', 'python3-drgn', 'usr/bin/python3', /^(lib|zlib|python3)/);
}
