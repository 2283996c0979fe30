/**
 * What the administrator asked for: the meaning of `/etc/kcapture.conf` (or `/etc/kdump.conf`), whatever the spelling was.
 *
 * Sizes in bytes, durations in seconds. `undefined` means "not said": the program that acts on it chooses.
 */
import type { CodecName } from '../compress/codec.ts';
import type { RemotePlace } from './remote-place.ts';

/** Where a dump shall go, as written. Tried in the order of the file. */
export type TargetWish =
  /** No device named: the file system that holds `path` on the running system. */
  | { readonly kind: 'root'; readonly line: number }
  /** `device`: `/dev/…`, `UUID=…`, `LABEL=…`, `PARTUUID=…`; `path` is inside that file system. */
  | {
      readonly kind: 'filesystem';
      readonly fsType: string;
      readonly device: string;
      readonly options: string | undefined;
      readonly line: number;
    }
  | { readonly kind: 'raw'; readonly device: string; readonly line: number }
  /** `source`: `HOST:/EXPORT`, an IPv6 address in brackets. `options`: of mount. */
  | { readonly kind: 'nfs'; readonly source: string; readonly options: string | undefined; readonly line: number }
  /** ssh, http, s3. */
  | { readonly kind: 'remote'; readonly place: RemotePlace; readonly line: number }
  | { readonly kind: 'virtiofs'; readonly tag: string; readonly line: number };

export type FinalAction = 'reboot' | 'halt' | 'poweroff';
export type FailureAction = FinalAction | 'shell' | 'dump_to_rootfs';

/** What to do with the pages. */
export type Collector =
  | {
      readonly kind: 'own';
      /** Tried in turn when the target has no room. */
      readonly levels: readonly number[];
      readonly codec: CodecName | undefined;
      /** `auto`: harder while the target is what is waited for. `undefined`: the codec's own, and `auto` on a server. */
      readonly codecLevel: number | 'auto' | undefined;
      readonly format: 'kdump' | 'elf';
      /** Never by the configuration: a target that takes nothing but a stream decides. */
      readonly flattened: boolean;
      /** 0: as many as there are CPUs. */
      readonly threads: number;
    }
  /** A program of the administrator's own, called with `/proc/vmcore` and the output added. */
  | { readonly kind: 'program'; readonly argv: readonly string[] };

/** Which old dumps may go, once the new one is safe. All `undefined`: none. */
export type Keep = { readonly count?: number; readonly totalBytes?: number; readonly ageSeconds?: number };

export type Configuration = {
  /** The file it came from; `undefined`: built-in defaults. */
  readonly source: string | undefined;
  /** At least one. */
  readonly targets: readonly TargetWish[];
  /** Folder inside each target. */
  readonly path: string;
  readonly collector: Collector;
  readonly sshKey: string | undefined;
  /** Programs run before and after, with absolute paths; each gets `hookTimeoutSeconds`. */
  readonly preHooks: readonly string[];
  readonly postHooks: readonly string[];
  readonly emergencyHooks: readonly string[];
  readonly hookTimeoutSeconds: number;
  readonly extraPrograms: readonly string[];
  readonly extraModules: readonly string[];
  readonly failureAction: FailureAction;
  readonly finalAction: FinalAction;
  readonly dracutArguments: readonly string[];
  readonly forceRebuild: boolean;
  readonly forceNoRebuild: boolean;
  readonly autoResetCrashkernel: boolean;
  readonly fenceKdumpNodes: readonly string[];
  readonly fenceKdumpArguments: readonly string[];
  /** From the agent's start to the final action. `undefined`: no limit but progress. */
  readonly timeLimitSeconds: number | undefined;
  /** How long a target's device may take to appear. */
  readonly deviceTimeoutSeconds: number;
  /** How long a server may take nothing before the connection to it counts as broken. */
  readonly stallLimitSeconds: number;
  /** How long a server is tried again, once it cannot be reached or the connection broke, before the next target gets its turn. */
  readonly retryLimitSeconds: number;
  readonly keep: Keep;
  /** Left free on the target. */
  readonly minFreeBytes: number;
  /** What the bitmap of the dump may take in memory. `undefined`: a quarter of what is available then. */
  readonly memoryLimitBytes: number | undefined;
  /** With less room than this the log is saved and no memory. */
  readonly dmesgOnlyBelowBytes: number | undefined;
  /** Web hooks told about each capture. May hold secrets. */
  readonly notify: readonly string[];
  /** After this many captures within the window no more memory is saved. 0: it always is. */
  readonly loopLimit: { readonly captures: number; readonly windowSeconds: number };
  /** How the image is made. `auto`: dracut or mkinitcpio when the system uses it, else kcapture's own. */
  readonly generator: 'auto' | 'dracut' | 'mkinitcpio' | 'own';
  /** Kernel to capture with: a release or a file. `undefined`: the running one. */
  readonly kernel: string | undefined;
  /** The capture kernel's command line. */
  readonly commandLine: { readonly replace: string | undefined; readonly remove: readonly string[]; readonly append: string | undefined };
};
