/**
 * A Node system for which one folder is the whole machine: a tree of /etc, /proc, /sys and /dev made of ordinary files is read and written by the real
 * implementation. Programs and the kernel stay those of this machine unless a test gives others.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createFiles } from '../sys/machine-files.ts';
import { createPathMap } from '../sys/path-map.ts';
import type { System } from '../sys/system.ts';
import { createNodeSystem } from './node-system.ts';

export type RootedSystem = System & {
  readonly root: string;
  /** What was printed so far. */
  readonly printed: { out: string; error: string };
};

/**
 * @param folder is there already, e.g. `t.testdir({ etc: { fstab: '…' } })`.
 * @param overrides members to take instead, e.g. `{ programs: createPrograms(runByNode, folder) }` for programs that lie in the tree.
 */
export async function createRootedSystem(folder: string, overrides: Partial<System> = {}): Promise<RootedSystem> {
  const node = await createNodeSystem();
  const { follow, itself } = createPathMap(folder);
  const printed = { out: '', error: '' };
  return {
    ...node,
    root: folder,
    printed,
    files: createFiles({ root: folder }),
    openFile: (path, options) => node.openFile(follow(path), options),
    openArchive: (path) => node.openArchive(follow(path)),
    createFile: (path, options) => node.createFile(itself(path), options),
    rename: (from, to) => node.rename(itself(from), itself(to)),
    remove: (path) => node.remove(itself(path)),
    sameFile: (a, b) => node.sameFile(follow(a), follow(b)),
    exists: (path) => node.exists(follow(path)),
    isBlockDevice: (path) => node.isBlockDevice(follow(path)),
    readText: (path) => node.readText(follow(path)),
    print: (text) => {
      printed.out += text;
    },
    printError: (text) => {
      printed.error += text;
    },
    ...overrides,
  };
}

/** Writes a tree of files below `folder`, given as path → content, parents included. */
export function putTree(folder: string, tree: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}
