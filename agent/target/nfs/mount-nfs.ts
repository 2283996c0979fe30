/**
 * An NFS export, mounted by mount(2) alone: each version on each address of the server, each attempt in a process of its own with a limit, until one
 * works or the time is over.
 */
import type { ArmedTarget } from '../../config/armed-plan.ts';
import { readMounts } from '../../linux/mounts.ts';
import type { System } from '../../sys/system.ts';
import { type MountedTarget, mountRoot } from '../mount-target.ts';
import { TargetError } from '../target-error.ts';
import type { WaitOptions } from '../wait-for-device.ts';
import { mountWithin, unmountWithin } from './mount-step.ts';
import { explainNfsFailure, type NfsFailure } from './nfs-failure.ts';
import { type NfsVersion, nfsMountOptions, nfsSource, versionsToTry } from './nfs-options.ts';

export type NfsTarget = ArmedTarget & { kind: 'nfs' };

/** A guard takes minutes of silence for the end; each attempt stays far below that. */
const attemptMs = 20_000;
const leastAttemptMs = 5000;
const pauseMs = 2000;
const farewellMs = 10_000;
/** @source Linux, NFS4_CLIENT_ID_UNIQ_LEN */
const mostNameBytes = 63;

type Failed = NfsFailure & { readonly address: string; readonly version: NfsVersion; readonly errno: string };

export type NfsMountOptions = WaitOptions & {
  /** Number of the target: each has a mount point of its own. */
  readonly index: number;
  /** Tells this machine from others. Not for one whose other mounts have told the server a name already. */
  readonly clientName?: string | undefined;
};

/**
 * @throws TargetError `target/mount` with what each version came to; `target/unresolved` without an address.
 */
export function mountNfs(system: System, target: NfsTarget, { index, clientName, ...wait }: NfsMountOptions): MountedTarget {
  const mountPoint = `${mountRoot}/${index}`;
  system.files.makeFolder(mountPoint, 0o700);
  // An agent that died may have left its mount behind. Nothing on it is looked at: its server may not answer.
  if (isNfsMounted(system, mountPoint)) letGo(system, mountPoint);
  if (target.addresses.length === 0) throw withoutAddress(target);
  if (clientName !== undefined) nameClient(system, clientName);
  for (;;) {
    const failed = tryAll(system, target, mountPoint, wait);
    if (failed === undefined) return { mountPoint, unmount: () => letGo(system, mountPoint) };
    // Switches take their time until they let through what they are sent.
    if (!failed.some(isPassing) || system.now() + pauseMs >= wait.endsAt) throw mountError(target, failed);
    wait.onWait?.();
    system.kernel.sleep(pauseMs);
  }
}

/**
 * A server of version 4 knows its clients by the names they give, which is the host's name unless there is a better one. Capture kernels all have the
 * same: of two machines that crash together the second would end the first one's session.
 * @source Linux, Documentation/filesystems/nfs/client-identifier.rst
 */
function nameClient({ files }: System, name: string): void {
  try {
    files.writeExisting('/sys/module/nfs/parameters/nfs4_unique_id', name.slice(0, mostNameBytes));
  } catch {
    // Built without version 4, or the driver is not there at all: what then cannot be done says so itself.
  }
}

/** @returns `undefined` when it is mounted. */
function tryAll(system: System, target: NfsTarget, mountPoint: string, wait: WaitOptions): readonly Failed[] | undefined {
  const failed: Failed[] = [];
  for (const address of target.addresses) {
    for (const version of versionsToTry(target.options)) {
      wait.onWait?.();
      const answer = tryOne(system, target, mountPoint, { version, address, endsAt: wait.endsAt });
      if (answer === undefined) return undefined;
      failed.push(answer);
      if (answer.next === 'stop') return failed;
      if (answer.next === 'address') break;
    }
  }
  return failed;
}

type Attempt = { readonly version: NfsVersion; readonly address: string; readonly endsAt: number };

function tryOne(
  system: System,
  { host, exported, options }: NfsTarget,
  mountPoint: string,
  { version, address, endsAt }: Attempt,
): Failed | undefined {
  const timeoutMs = Math.max(leastAttemptMs, Math.min(attemptMs, endsAt - system.now()));
  const request = {
    source: nfsSource(host, exported),
    target: mountPoint,
    fsType: 'nfs',
    options: nfsMountOptions(options, version, address),
  };
  const answer = mountWithin(system, request, timeoutMs);
  if (answer.mounted) return undefined;
  // A process that was killed may have come to its end all the same.
  if (answer.errno === 'TIME' && isNfsMounted(system, mountPoint)) return undefined;
  return { ...explainNfsFailure(answer.errno, answer.reason), address, version, errno: answer.errno };
}

function isPassing({ next, errno }: Failed): boolean {
  return next === 'address' || errno === 'ECONNREFUSED';
}

function mountError({ wish, host, exported }: NfsTarget, failed: readonly Failed[]): TargetError {
  const attempts = [...new Map(failed.map((one) => [`${one.address} ${one.version}`, one])).values()];
  const several = new Set(attempts.map(({ address }) => address)).size > 1;
  const said = attempts.map(({ version, address, meaning, errno }) => {
    return `NFS ${version}${several ? ` at ${address}` : ''}: ${meaning}${/^E[A-Z]/.test(errno) ? ` (${errno})` : ''}`;
  });
  // What a server that answered has to say tells more than one that did not.
  const telling = attempts.find(({ next, errno }) => next === 'version' && !['EPROTONOSUPPORT', 'EINVAL'].includes(errno)) ?? attempts[0];
  return new TargetError('target/mount', `Cannot mount ${nfsSource(host, exported)} for "${wish}": ${said.join('; ')}`, {
    where: nfsSource(host, exported),
    hint: telling.hint,
  });
}

function withoutAddress({ wish, host }: NfsTarget): TargetError {
  return new TargetError('target/unresolved', `Cannot mount the export of "${wish}": no address of ${host} is known`, {
    where: host,
    hint: 'Arm the machine again when the name can be resolved: kcapture load --rebuild',
  });
}

function isNfsMounted(system: System, mountPoint: string): boolean {
  return readMounts(system).some((mount) => mount.mountPoint === mountPoint);
}

/** Everything was synced before. The server is told in a process of its own: it may have fallen silent meanwhile. */
function letGo(system: System, mountPoint: string): void {
  unmountWithin(system, mountPoint, farewellMs);
}
