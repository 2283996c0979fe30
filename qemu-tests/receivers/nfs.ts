/** An NFS server, version 4. */
import { startNfs } from '../../agent/testing/servers/nfs.ts';
import { join } from 'node:path';
import { filesBelow } from './files-below.ts';
import { hostName, type Receiver } from './receiver.ts';

/** @param folder is there already. */
export async function receiveByNfs(folder: string): Promise<Receiver> {
  const server = await startNfs(folder);
  return {
    target: `nfs ${hostName}:${server.exported} port=${server.port}`,
    files: {},
    add: `kcapture target add nfs://${hostName}:${server.port}${server.exported}`,
    // `path` of the configuration.
    captures: () => join(server.files, 'crash'),
    root: server.files,
    leftOvers: () => filesBelow(server.files).filter((path) => /-incomplete$|\.nfs/.test(path)),
    secrets: [],
    server,
  };
}
