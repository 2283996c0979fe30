/**
 * A place on a "server" that is a folder of this machine: a real store that keeps what it is given, seekable or not, and breaks where it is told to.
 *
 * Chosen by the host `folder` in an http place; the place's path is the folder, and a file `behaviour.json` in it says how it behaves.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { unfinished } from '../target/dump-name.ts';
import { type RemoteContext, RemoteError, type RemoteFile, type RemoteStore } from '../remote/remote-store.ts';

export type FolderBehaviour = {
  readonly seekable?: boolean;
  /** For each attempt at a large file: where it fails, and how. `hang`: it never answers. `die`: the thread ends. */
  readonly faults?: readonly { readonly at: number; readonly how: string | 'hang' | 'die' }[];
  /** For so long a file takes to get its name. */
  readonly finishMs?: number;
  /** Every call fails so. */
  readonly refuses?: string;
};

export async function openFolderRemote({ place, capture, adopt, onProgress, onNote }: RemoteContext): Promise<RemoteStore> {
  const root = place.kind === 'http' ? decodeURIComponent(place.path) : '/';
  const behaviour: FolderBehaviour = existsSync(`${root}/behaviour.json`) ? JSON.parse(readFileSync(`${root}/behaviour.json`, 'utf8')) : {};
  const { seekable = true, faults = [], refuses, finishMs = 0 } = behaviour;
  if (refuses !== undefined) throw new RemoteError(refuses, `Cannot open "${root}": ${refuses}`);
  const folder = `${root}/${capture.name}`;
  if (!adopt && existsSync(folder)) throw new RemoteError('remote/server', `Cannot make "${folder}": it is there`);
  await mkdir(folder, { recursive: true });
  let attempts = 0;
  const size = async (name: string) => ({ name, sizeBytes: (await stat(`${folder}/${name}`)).size });
  return {
    where: `folder://${folder}`,
    seekable,
    async freeBytes() {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
    save: (name, content) => writeFile(`${folder}/${name}`, content),
    remove: (name) => rm(`${folder}/${name}`, { force: true }),
    async create(name) {
      await rm(`${folder}/${name}`, { force: true });
      const fault = faults[attempts++];
      if (attempts > 1) onNote(`begins ${name} anew`);
      return await createFile(`${folder}/${name}`, { fault, seekable, finishMs, onProgress });
    },
    list: async () => await Promise.all((await readdir(folder)).map(size)),
    sha256: async (name) =>
      createHash('sha256')
        .update(await readFile(`${folder}/${name}`))
        .digest('hex'),
    captures: async () => (await readdir(root)).filter((name) => name !== capture.name),
    async close() {},
  };
}

type FileOptions = {
  readonly fault: NonNullable<FolderBehaviour['faults']>[number] | undefined;
  readonly seekable: boolean;
  readonly finishMs: number;
  readonly onProgress: () => void;
};

async function createFile(path: string, { fault, seekable, finishMs, onProgress }: FileOptions): Promise<RemoteFile> {
  const file = await open(path + unfinished, 'w', 0o600);
  let endBytes = 0;
  return {
    async write(offset, bytes) {
      if (!seekable && offset !== endBytes) throw new RemoteError('remote/broken', `Cannot write at ${offset}: expected ${endBytes}`);
      const fits = fault === undefined ? bytes.length : Math.max(0, Math.min(bytes.length, fault.at - offset));
      if (fits > 0) await file.write(bytes, 0, fits, offset);
      endBytes = Math.max(endBytes, offset + fits);
      if (fault !== undefined && fits < bytes.length) await fail(fault.how, path);
      onProgress();
    },
    sync: () => file.sync(),
    async finish(complete) {
      await file.close();
      await delay(finishMs);
      if (complete) await rename(path + unfinished, path);
    },
    async discard() {
      await file.close();
      await rm(path + unfinished, { force: true });
    },
  };
}

async function fail(how: string | 'hang' | 'die', path: string): Promise<never> {
  if (how === 'hang') return await new Promise<never>(() => {});
  if (how === 'die') process.exit(1);
  throw new RemoteError(how, `Cannot write "${path}": ${how}`);
}
