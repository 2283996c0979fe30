/** Ends what waits for an NFS server that has fallen silent. */
import { readMounts } from '../../linux/mounts.ts';
import type { System } from '../../sys/system.ts';
import { mountRoot } from '../mount-target.ts';

/**
 * Every request that is under way to the server of a target gets an error. Version 4 needs that: as long as the connection itself stands, a
 * request waits for a silent server without end, whatever `soft` and `timeo` say. Never throws; to be called from another thread than the one
 * that waits, and again, since that one may ask for the next thing.
 *
 * @source Linux, net/sunrpc/clnt.c, rpc_check_timeout(); fs/nfs/super.c, nfs_umount_begin()
 */
export function breakOffNfs(system: Pick<System, 'files' | 'kernel'>): void {
  const mounts = readMounts(system).filter(({ fsType, mountPoint }) => /^nfs4?$/.test(fsType) && mountPoint.startsWith(`${mountRoot}/`));
  for (const { mountPoint } of mounts) {
    try {
      system.kernel.unmount(mountPoint, { force: true });
    } catch {
      // It is in use: that is why it is broken off.
    }
  }
}
