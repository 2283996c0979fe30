/** Takes away the empty folder that a trial made on a server, where there are folders. That it stays is no reason to distrust the server. */
import { parseRemoteUrl } from '../../config/remote-url.ts';
import { KcaptureError } from '../../errors.ts';
import { HttpLink } from '../../remote/http/http-link.ts';
import type { RemoteContext } from '../../remote/remote-store.ts';
import { SshLink } from '../../remote/ssh/ssh-link.ts';

/** @param where the folder, as a URL; its name is that of the context's capture. */
export async function removeProbeFolder(context: RemoteContext, where: string): Promise<void> {
  const name = where.slice(where.lastIndexOf('/') + 1);
  if (!decodeURIComponent(name).startsWith(context.capture.name)) return;
  try {
    if (context.place.kind === 'http') await removeWebFolder(context, where);
    if (context.place.kind === 'ssh') await removeSshFolder(context, where);
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
  }
}

async function removeWebFolder(context: RemoteContext, where: string): Promise<void> {
  await new HttpLink(context).once({ method: 'DELETE', url: `${where}/` });
}

async function removeSshFolder(context: RemoteContext, where: string): Promise<void> {
  const place = parseRemoteUrl(where);
  if (place.kind !== 'ssh' || place.path === undefined) return;
  const link = new SshLink(context, place);
  try {
    await link.use((session) => session.removeFolder(place.path ?? ''));
  } finally {
    link.close();
  }
}
