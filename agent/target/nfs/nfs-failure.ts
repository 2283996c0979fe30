/** What an NFS server, the way to it or this kernel said when an export could not be mounted. */

export type NfsFailure = {
  /** Goes on after "NFS 4.2:". */
  readonly meaning: string;
  readonly hint: string;
  /** `version`: another one may do. `address`: this server cannot be reached that way, perhaps not yet. `stop`: no attempt will do. */
  readonly next: 'version' | 'address' | 'stop';
};

const lookAtServer = 'Look at the server: exportfs -v; rpcinfo -p; its log tells why it refused';

/** @source Linux, fs/nfs/{client,mount_clnt,nfs4client,nfs4proc}.c, net/sunrpc/clnt.c; errno(3) */
const failures: Readonly<Record<string, NfsFailure>> = {
  ECONNREFUSED: {
    meaning: 'the connection was refused',
    hint: 'Is the NFS server running, and does its firewall let this machine reach port 2049? Version 3 asks port 111 for the ports that port= and mountport= do not name',
    next: 'version',
  },
  EACCES: {
    meaning: 'the server does not let this machine have the export',
    hint: `Export it to this machine's address with rw and sec=sys. ${lookAtServer}`,
    next: 'version',
  },
  EPERM: {
    meaning: 'the server does not permit it',
    hint: `Export it to this machine's address with rw, sec=sys and perhaps insecure. ${lookAtServer}`,
    next: 'version',
  },
  ENOENT: {
    meaning: 'the server has no such export',
    hint: 'See what it exports: showmount -e SERVER. With version 4 the path may begin below the folder exported with fsid=0',
    next: 'version',
  },
  EPROTONOSUPPORT: {
    meaning: 'the server does not speak this version',
    hint: 'See which it speaks: cat /proc/fs/nfsd/versions on the server',
    next: 'version',
  },
  ENOTSUP: {
    meaning: 'its portmapper, which version 3 asks for ports, does not know it',
    hint: 'See what is registered there: rpcinfo -p SERVER. Ports that the options port= and mountport= name are not asked for',
    next: 'version',
  },
  EPFNOSUPPORT: {
    meaning: 'the server offers nothing for this kind of address',
    hint: 'Let the server listen on this kind of address, or name another address of it',
    next: 'version',
  },
  EINVAL: {
    meaning: 'an option does not suit this version or this kernel',
    hint: 'Look at the options of the target; the last lines of the kernel log name the word',
    next: 'version',
  },
  ENODEV: {
    meaning: 'the kernel has no driver for NFS',
    hint: 'Install the modules nfs, nfsv3 and nfsv4 of the capture kernel, then: kcapture load --rebuild',
    next: 'stop',
  },
  ETIMEDOUT: {
    meaning: 'the server does not answer',
    hint: 'Is the server up, and does a firewall drop what is sent to port 2049?',
    next: 'address',
  },
  TIME: {
    meaning: 'the server does not answer',
    hint: 'Is the server up, and does a firewall drop what is sent to port 2049?',
    next: 'address',
  },
  EHOSTUNREACH: { meaning: 'there is no way to the server', hint: 'Look at the routes: ip route get ADDRESS', next: 'address' },
  ENETUNREACH: { meaning: 'there is no way to its network', hint: 'Look at the routes: ip route get ADDRESS', next: 'address' },
  EIO: { meaning: 'the conversation with the server broke', hint: lookAtServer, next: 'version' },
  ESTALE: { meaning: 'the export has gone on the server', hint: lookAtServer, next: 'version' },
};

/** @param errno its name, `TIME`, or empty when no call was made. @param reason said when the name tells nothing. */
export function explainNfsFailure(errno: string, reason: string): NfsFailure {
  const known = Object.hasOwn(failures, errno) ? failures[errno] : undefined;
  if (known !== undefined) return known;
  const hint = 'The last lines of the kernel log tell more; try it on the healthy machine: kcapture target check';
  return { meaning: reason, hint, next: errno === '' ? 'stop' : 'version' };
}
