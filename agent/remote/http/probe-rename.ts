/** Whether a web server renames: tried with a small file that goes again. */
import { randomUUID } from 'node:crypto';
import type { RemoteContext } from '../remote-store.ts';
import { HttpLink } from './http-link.ts';
import { isSuccess } from './http-status.ts';
import { removeFile, sizeOf } from './web-files.ts';

/**
 * @returns false also for a server that says yes and does nothing.
 * @throws RemoteError when a file cannot be put there, or does not go again.
 */
export async function probeRename(context: RemoteContext): Promise<boolean> {
  const link = new HttpLink(context);
  const name = `kcapture-probe-${randomUUID()}`;
  const [from, to] = [link.url(`${name}-incomplete`), link.url(name)];
  const body = Buffer.from('kcapture tries whether this server renames files\n');
  await link.ask('write a file to try', { method: 'PUT', url: from, body });
  try {
    const moved = await link.once({ method: 'MOVE', url: from, headers: { destination: to, overwrite: 'T' } });
    return isSuccess(moved) && (await sizeOf(link, to)) === body.length && (await sizeOf(link, from)) === undefined;
  } finally {
    await removeFile(link, to);
    await removeFile(link, from);
  }
}
