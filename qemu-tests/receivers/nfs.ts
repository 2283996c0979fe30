/** An NFS server, version 4 or 3. */
import { join } from 'node:path';
import { type NfsServer, startNfs } from '../../agent/testing/servers/nfs.ts';
import { filesBelow } from './files-below.ts';
import { hostName, type Receiver } from './receiver.ts';

/** @param folder is there already. */
export async function receiveByNfs(folder: string): Promise<Receiver> {
  return receive(await startNfs(folder), '');
}

/** Versions 4 are asked for first, and refused. No portmapper answers. @param folder is there already. */
export async function receiveByNfs3(folder: string): Promise<Receiver> {
  const server = await startNfs(folder, { version: 3 });
  return receive(server, `,mountport=${server.mountPort}`);
}

function receive(server: NfsServer, options: string): Receiver {
  return {
    target: `nfs ${hostName}:${server.exported} port=${server.port}${options}`,
    files: {},
    // With the options of the configuration.
    add: `kcapture target add nfs://${hostName}:${server.port}${server.exported}`,
    // `path` of the configuration.
    captures: () => join(server.files, 'crash'),
    root: server.files,
    leftOvers: () => filesBelow(server.files).filter((path) => /-incomplete$|\.nfs/.test(path)),
    secrets: [],
    server,
  };
}
