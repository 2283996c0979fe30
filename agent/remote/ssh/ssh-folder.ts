/** The folder of one capture on an ssh server: its place, its making, what is durable about it. */
import { defaultConfiguration } from '../../config/defaults.ts';
import type { SshPlace } from '../../config/remote-place.ts';
import { KcaptureError } from '../../errors.ts';
import type { SshSession } from '../../sys/network-interface.ts';
import { RemoteError } from '../remote-store.ts';
import { mayPass } from './ssh-failure.ts';

const folderMode = 0o700;
/** Of captures within one second. */
const mostNumber = 999;

/** The folder of all dumps, absolute as the server sees it; made when it is missing. */
export async function requireParent(session: SshSession, { path = defaultConfiguration.path }: SshPlace): Promise<string> {
  const parent = path.startsWith('/') ? path : `${noSlash(await session.realPath('.'))}/${path.replace(/^~\//, '')}`;
  await makeFolders(session, noSlash(parent));
  return noSlash(parent);
}

/** A second capture within one second gets a number. @param attempt 2 and more: the folder may have been made by the one before. */
export async function makeOwnFolder(session: SshSession, parent: string, name: string, attempt: number): Promise<string> {
  for (let number = 1; number <= mostNumber; number++) {
    const folder = `${parent}/${name}${number === 1 ? '' : `.${number}`}`;
    if ((await session.status(folder)) === undefined) {
      if (await makeFolder(session, folder)) return folder;
    } else if (attempt > 1 && (await session.list(folder)).length === 0) return folder;
  }
  throw new RemoteError('remote/server', `Cannot make a folder "${parent}/${name}": ${mostNumber} of that name are there`, {
    where: parent,
  });
}

/** The folder that an agent which died has begun; made when it got no further. */
export async function adoptFolder(session: SshSession, parent: string, name: string): Promise<string> {
  await makeFolders(session, `${parent}/${name}`);
  return `${parent}/${name}`;
}

/** Makes the names in a folder durable, on servers that open a folder like a file. */
export async function syncFolder(session: SshSession, folder: string): Promise<void> {
  try {
    const opened = await session.open(folder === '' ? '/' : folder, 'read');
    try {
      await opened.sync();
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (mayPass(error)) throw error;
  }
}

async function makeFolders(session: SshSession, folder: string): Promise<void> {
  if (folder === '') return;
  const kind = (await session.status(folder))?.kind;
  if (kind === 'folder') return;
  if (kind !== undefined)
    throw new RemoteError('remote/server', `Cannot use "${folder}" on the server: it is no folder`, { where: folder });
  await makeFolders(session, folder.slice(0, folder.lastIndexOf('/')));
  if (!(await makeFolder(session, folder)) && (await session.status(folder))?.kind !== 'folder') throw takenError(folder);
}

/** @returns false: somebody else was faster. */
async function makeFolder(session: SshSession, folder: string): Promise<boolean> {
  try {
    await session.makeFolder(folder, folderMode);
    return true;
  } catch (error) {
    const isTaken = error instanceof KcaptureError && ['ssh/failure', 'ssh/exists'].includes(error.code);
    if (!isTaken || (await session.status(folder)) === undefined) throw error;
    return false;
  }
}

function takenError(folder: string): RemoteError {
  return new RemoteError('remote/server', `Cannot make the folder "${folder}" on the server: the name is taken`, { where: folder });
}

function noSlash(path: string): string {
  return path.replace(/\/+$/, '');
}
