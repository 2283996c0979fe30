/** One capture's folder on an ssh server, by SFTP: `vmcore-dmesg.txt`, `vmcore`, `manifest.json`, `kcapture.log`, as on a disk. */
import { formatRemoteUrl } from '../../config/remote-url.ts';
import type { SshSession } from '../../sys/network-interface.ts';
import { type RemoteContext, type RemoteEntry, RemoteError, type RemoteStore } from '../remote-store.ts';
import { askSha256 } from './ask-sha256.ts';
import { checkedName, isOfSameHost, unfinished } from '../stored-names.ts';
import { adoptFolder, makeOwnFolder, requireParent, syncFolder } from './ssh-folder.ts';
import { SshLink } from './ssh-link.ts';
import { removeIfThere, SshUpload } from './ssh-upload.ts';

/**
 * Folders 0700, files 0600.
 * @throws RemoteError `remote/unreachable|untrusted|auth|forbidden|no-space|stalled|broken|server|unsupported`.
 */
export async function openSshStore(context: RemoteContext): Promise<RemoteStore> {
  const { place, capture, adopt } = context;
  if (place.kind !== 'ssh') throw new RemoteError('remote/unsupported', `Cannot open ${formatRemoteUrl(place)} by ssh`);
  const link = new SshLink(context, place);
  try {
    const parent = await link.use((session) => requireParent(session, place));
    const folder = await link.use(async (session, attempt) => {
      const made = adopt ? await adoptFolder(session, parent, capture.name) : await makeOwnFolder(session, parent, capture.name, attempt);
      await syncFolder(session, parent);
      return made;
    });
    return createStore(context, link, { parent, folder, where: formatRemoteUrl({ ...place, path: folder }) });
  } catch (error) {
    link.close();
    throw error;
  }
}

type Place = { readonly parent: string; readonly folder: string; readonly where: string };

function createStore(context: RemoteContext, link: SshLink, { parent, folder, where }: Place): RemoteStore {
  const own = folder.slice(parent.length + 1);
  const path = (name: string) => `${folder}/${checkedName(name)}`;
  return {
    where,
    seekable: true,
    freeBytes: () => link.use((session) => session.freeBytes(folder)),
    async save(name, content) {
      await link.use((session) => saveFile(session, path(name), content));
      context.onProgress();
    },
    remove: (name) => link.use((session) => removeIfThere(session, path(name))),
    create: (name) => SshUpload.begin(link, context, folder, checkedName(name)),
    list: () => link.use((session) => listFiles(session, folder)),
    sha256: (name) => link.use((session) => askSha256(session, path(name), context.onProgress)),
    async captures() {
      const names = await link.use((session) => session.list(parent));
      return names.filter((name) => isOfSameHost(name, own));
    },
    async close() {
      link.close();
    },
  };
}

/** Durable first, then under its own name. */
async function saveFile(session: SshSession, path: string, content: Uint8Array): Promise<void> {
  const file = await session.open(path + unfinished, 'create');
  try {
    await file.write(0, content);
    await file.sync();
  } finally {
    await file.close();
  }
  await session.rename(path + unfinished, path);
  await syncFolder(session, path.slice(0, path.lastIndexOf('/')));
}

async function listFiles(session: SshSession, folder: string): Promise<RemoteEntry[]> {
  const entries: RemoteEntry[] = [];
  for (const name of await session.list(folder)) {
    const status = await session.status(`${folder}/${name}`);
    if (status?.kind === 'file') entries.push({ name, sizeBytes: status.sizeBytes });
  }
  return entries;
}
