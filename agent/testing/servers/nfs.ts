/**
 * An NFS server in user space, on a port of the loopback: version 4 with its minor versions, or version 3 alone.
 *
 * Version 3 does not start without a portmapper to register with. It gets one of its own, in a network namespace where nobody else reaches it: clients
 * have to be told both ports.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type ServerProcess, startServer } from './server-process.ts';

export type NfsServer = ServerProcess & {
  readonly port: number;
  /** Where version 3 asks for the export. */
  readonly mountPort: number;
  /** What clients mount. */
  readonly exported: string;
  /** Where its files are on this machine. */
  readonly files: string;
};

export type NfsServerOptions = {
  /** Default: 4. */
  readonly version?: 3 | 4;
};

/** @param folder is there already; on a file system that has handles (ext4, xfs), not an overlay. */
export async function startNfs(folder: string, { version = 4 }: NfsServerOptions = {}): Promise<NfsServer> {
  const [port, mountPort] = [await freePort(), await freePort()];
  const files = join(folder, 'exported');
  const recovery = join(folder, 'recovery');
  for (const path of [files, recovery]) mkdirSync(path, { recursive: true });
  const settings = join(folder, 'ganesha.conf');
  writeFileSync(settings, configuration({ version, port, mountPort, files, recovery }));
  const server = ['ganesha.nfsd', '-F', '-f', settings, '-L', '/dev/stderr', '-p', join(folder, 'ganesha.pid')];
  const argv = version === 3 ? withPortmapper(server) : server;
  return { ...(await startServer({ argv, port })), port, mountPort, exported: '/exported', files };
}

/** It is ready when it has gone into the background; its socket is in the server's own `/run`. */
function withPortmapper(server: readonly string[]): readonly string[] {
  return ['sh', '-c', 'mount -t tmpfs run /run && mkdir /run/rpcbind && unshare --net rpcbind && exec "$@"', 'sh', ...server];
}

type Settings = Required<NfsServerOptions> & Pick<NfsServer, 'port' | 'mountPort' | 'files'> & { readonly recovery: string };

/** Without grace: nobody has locks from before. */
function configuration({ version, port, mountPort, files, recovery }: Settings): string {
  return `
NFS_CORE_PARAM {
  NFS_Port = ${port}; MNT_Port = ${mountPort}; Bind_addr = 127.0.0.1; Protocols = ${version};
  Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
  mount_path_pseudo = true;
}
NFSV4 { Graceless = true; RecoveryBackend = fs; RecoveryRoot = "${recovery}"; Minor_Versions = 0, 1, 2; }
NFS_KRB5 { Active_krb5 = false; }
EXPORT {
  Export_Id = 1; Path = "${files}"; Pseudo = "/exported";
  Access_Type = RW; Squash = No_Root_Squash; Protocols = ${version}; Transports = TCP; SecType = sys;
  FSAL { Name = VFS; }
}
LOG { Default_Log_Level = EVENT; }
`;
}
