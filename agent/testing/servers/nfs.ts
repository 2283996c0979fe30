/**
 * An NFS server in user space, version 4 with its minor versions, on a port of the loopback.
 *
 * Version 3 would need rpcbind on the machine's own port 111.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type ServerProcess, startServer } from './server-process.ts';

export type NfsServer = ServerProcess & {
  readonly port: number;
  /** What clients mount. */
  readonly exported: string;
  /** Where its files are on this machine. */
  readonly files: string;
};

/** @param folder is there already; on a file system that has handles (ext4, xfs), not an overlay. */
export async function startNfs(folder: string): Promise<NfsServer> {
  const port = await freePort();
  const files = join(folder, 'exported');
  const recovery = join(folder, 'recovery');
  for (const path of [files, recovery]) mkdirSync(path, { recursive: true });
  const settings = join(folder, 'ganesha.conf');
  writeFileSync(settings, configuration(port, files, recovery));
  const argv = ['ganesha.nfsd', '-F', '-f', settings, '-L', '/dev/stderr', '-p', join(folder, 'ganesha.pid')];
  return { ...(await startServer({ argv, port })), port, exported: '/exported', files };
}

/** Without grace: nobody has locks from before. */
function configuration(port: number, files: string, recovery: string): string {
  return `
NFS_CORE_PARAM {
  NFS_Port = ${port}; Bind_addr = 127.0.0.1; Protocols = 4;
  Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
}
NFSV4 { Graceless = true; RecoveryBackend = fs; RecoveryRoot = "${recovery}"; Minor_Versions = 0, 1, 2; }
NFS_KRB5 { Active_krb5 = false; }
EXPORT {
  Export_Id = 1; Path = "${files}"; Pseudo = "/exported";
  Access_Type = RW; Squash = No_Root_Squash; Protocols = 4; Transports = TCP; SecType = sys;
  FSAL { Name = VFS; }
}
LOG { Default_Log_Level = EVENT; }
`;
}
