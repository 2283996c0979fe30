/** One capture's folder on an HTTP server: `vmcore-dmesg.txt`, `vmcore.flat`, `manifest.json`, `kcapture.log`, each by PUT. */
import { createHash } from 'node:crypto';
import { type RemoteContext, type RemoteEntry, RemoteError, type RemoteStore } from '../remote-store.ts';
import { checkedName, isOfSameHost } from '../stored-names.ts';
import { HttpLink } from './http-link.ts';
import { HttpUpload, removeLeftOver } from './http-upload.ts';
import { listFolder } from './list-folder.ts';
import { makeFolder, removeFile, sizeOf } from './web-files.ts';

/** Captures that began in one second. */
const mostTwins = 9;
/** What every capture sends first, and last. */
const telltales = ['vmcore-dmesg.txt', 'manifest.json'];

type Sent = { readonly sizeBytes: number; readonly sha256: string };

/** @throws RemoteError of every code but `remote/expired` and `remote/clock`. */
export async function openHttpStore(context: RemoteContext): Promise<RemoteStore> {
  const link = new HttpLink(context);
  return createStore(link, await chooseFolder(link));
}

/** A folder of our own, made where the server makes folders. */
async function chooseFolder(link: HttpLink): Promise<string> {
  const { capture, adopt } = link.context;
  for (let twin = 1; twin <= mostTwins; twin++) {
    const folder = twin === 1 ? capture.name : `${capture.name}.${twin}`;
    const isNew = await makeFolder(link, link.url(folder));
    if (isNew || adopt || !(await isTaken(link, folder))) return folder;
  }
  const where = link.url(capture.name);
  throw new RemoteError('remote/server', `Cannot begin a capture at ${where}: there are ${mostTwins} of this second already`, { where });
}

async function isTaken(link: HttpLink, folder: string): Promise<boolean> {
  for (const name of telltales) if ((await sizeOf(link, link.url(folder, name))) !== undefined) return true;
  return false;
}

function createStore(link: HttpLink, folder: string): RemoteStore {
  const where = link.url(folder);
  const sent = new Map<string, Sent>();
  const url = (name: string) => link.url(folder, checkedName(name));
  return {
    where,
    seekable: false,
    freeBytes: async () => undefined,
    async save(name, content) {
      const headers = { 'content-type': name.endsWith('.json') ? 'application/json' : 'text/plain; charset=utf-8' };
      await link.ask(`save "${name}"`, { method: 'PUT', url: url(name), headers, body: content });
      sent.set(name, { sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
    },
    async remove(name) {
      await removeFile(link, url(name));
      sent.delete(name);
    },
    async create(name) {
      const place = { folder, name: checkedName(name) };
      sent.delete(name);
      await removeLeftOver(link, place);
      return await HttpUpload.begin(link, place, (arrived, whole) => sent.set(arrived, whole));
    },
    async list() {
      const entries = await listFolder(link, where);
      if (entries !== undefined) return entries.filter(({ isFolder }) => !isFolder).map(({ name, sizeBytes }) => ({ name, sizeBytes }));
      return [...sent].map(([name, { sizeBytes }]): RemoteEntry => ({ name, sizeBytes }));
    },
    sha256: async (name) => sent.get(name)?.sha256,
    async captures() {
      const entries = (await listFolder(link, link.url())) ?? [];
      return entries.filter(({ name, isFolder }) => isFolder && isOfSameHost(name, folder)).map(({ name }) => name);
    },
    async close() {},
  };
}
