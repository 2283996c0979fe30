/** System calls that change the machine: mounts, modules, kexec, reboot, watchdog. Only the superuser may make most of them. */

export type MountRequest = {
  readonly source: string;
  readonly target: string;
  readonly fsType: string;
  /** As in fstab: `ro,noatime,subvol=/@`. Words the kernel knows as flags become flags, the rest is data. */
  readonly options?: string;
};

export type UnmountOptions = {
  /** Detach now, clean up when nobody uses it. */
  readonly lazy?: boolean;
  /** What waits for the server of a network file system gets an error at once, whether or not it can be unmounted then. */
  readonly force?: boolean;
};

export type KexecFileRequest = {
  readonly kernel: string;
  /** Undefined: no initramfs. */
  readonly initramfs: string | undefined;
  readonly commandLine: string;
  /** The crash kernel; false is the ordinary next kernel. */
  readonly onCrash: boolean;
};

export type Utsname = { readonly host: string; readonly release: string; readonly version: string; readonly machine: string };

export type RebootAction = 'reboot' | 'halt' | 'poweroff';

/** A hardware watchdog: resets the machine when it is not fed for `timeoutSeconds`. */
export interface Watchdog {
  readonly timeoutSeconds: number;
  feed(): void;
  /** Stops it, where the driver allows that. */
  disarm(): void;
}

/** A failed call is a `KernelCallError` with code `kernel/<errno name in lower case>`, e.g. `kernel/ebusy`, and `errno` (its name). */
export interface KernelCalls {
  mount(request: MountRequest): void;
  unmount(target: string, options?: UnmountOptions): void;
  /** Writes one file system's data to its disk. */
  syncFileSystem(path: string): void;
  syncAll(): void;
  /** reboot(2) at once: no service is asked, nothing is written. Does not return when it works. */
  reboot(action: RebootAction): void;
  /** finit_module(2) of an uncompressed `.ko`; already loaded is no error. */
  loadModule(path: string, parameters?: string): void;
  /** kexec_file_load(2). */
  kexecFileLoad(request: KexecFileRequest): void;
  kexecFileUnload(onCrash: boolean): void;
  /** Bytes of a block device. */
  blockDeviceSize(path: string): number;
  /** `losetup`: a read-only loop device over a file, detached with its last user. Returns `/dev/loopN`. */
  attachLoop(path: string): string;
  openWatchdog(path: string, timeoutSeconds: number): Watchdog;
  utsname(): Utsname;
  effectiveUserId(): number;
  sleep(milliseconds: number): void;
  /** Milliseconds since 1970 by the machine's clock, which may be wrong in a capture kernel. */
  wallClockMs(): number;
  /** Sets that clock. Milliseconds since 1970. */
  setWallClock(milliseconds: number): void;
  /**
   * One request to rtnetlink(7), as `linux/netlink` builds them, and all messages of its answer. May throw LinuxError `linux/bad-netlink` too, and
   * `kernel/etimedout`.
   */
  routeNetlink(request: Uint8Array, timeoutMs: number): Uint8Array[];
  /** Hardware address `00:11:22:33:44:55` that a network device was made with, for kernels before 5.6; `undefined`: none, or no such device. */
  permanentAddress(link: string): string | undefined;
  /** CPUs this process may use. */
  onlineCpus(): number;
  /** The newest part of this kernel's own log as `dmesg` prints it, at most `maxBytes` characters; `''` when it may not be read. */
  readLog(maxBytes: number): string;
}
