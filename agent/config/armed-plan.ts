/**
 * What was found out on the healthy machine and travels in the image as `/etc/kcapture/armed.json`: the capture kernel has no time to find out.
 *
 * The configuration says what was wished, this says where that is. Without it the capture run falls back to the configuration alone.
 */

import type { ArmedNetwork } from './armed-network.ts';
import type { RemotePlace } from './remote-place.ts';

/** A layer between disk and file system, to be opened before the device above exists; bottom first. */
export type DeviceLayer =
  | {
      readonly kind: 'luks';
      readonly uuid: string;
      readonly name: string /** Path in the image; `undefined`: there is none and it cannot be opened. */;
      readonly keyFile: string | undefined;
    }
  | { readonly kind: 'lvm'; readonly volumeGroup: string; readonly logicalVolume: string }
  | { readonly kind: 'md'; readonly uuid: string };

export type ArmedTarget =
  | {
      readonly kind: 'filesystem';
      /** As in the configuration, for people. */
      readonly wish: string;
      /** `UUID=…` where there is one, else a path. */
      readonly device: string;
      readonly fsType: string;
      /** Mount options, e.g. `subvol=/@crash`. */
      readonly options: string;
      /** Folder for dumps, inside that file system, absolute. */
      readonly folder: string;
      readonly layers: readonly DeviceLayer[];
    }
  | { readonly kind: 'raw'; readonly wish: string; readonly device: string; readonly layers: readonly DeviceLayer[] }
  | {
      readonly kind: 'nfs';
      readonly wish: string;
      readonly host: string;
      /** Numeric, found out on the healthy machine. */
      readonly addresses: readonly string[];
      /** Absolute path on the server. */
      readonly exported: string;
      /** Of mount, besides those the capture sets. */
      readonly options: string;
      /** Folder for dumps inside the export, absolute. */
      readonly folder: string;
    }
  | {
      readonly kind: 'remote';
      readonly wish: string;
      /** With a path. */
      readonly place: RemotePlace;
      /** Of the place's host, numeric, found out on the healthy machine. */
      readonly addresses: readonly string[];
      /** Folder of its credentials, on the machine and in the image. */
      readonly credentials: string;
      /** The server renames files (http: MOVE). */
      readonly canRename: boolean;
    }
  /** A target this build cannot reach from the capture kernel, kept so that the run can say so. */
  | { readonly kind: 'unsupported'; readonly wish: string; readonly why: string };

/** A target that needs the network. */
export type NetworkTarget = Extract<ArmedTarget, { kind: 'nfs' | 'remote' }>;

export function isOnNetwork(target: { readonly kind: string }): target is NetworkTarget {
  return target.kind === 'nfs' || target.kind === 'remote';
}

export type ArmedPlan = {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly builtAt: string;
  readonly kcapture: { readonly version: string; readonly commit: string };
  readonly host: string;
  readonly machineId: string | undefined;
  /** Release of the capture kernel the image is for. */
  readonly kernelRelease: string;
  readonly targets: readonly ArmedTarget[];
  /** The running system's root, with the dump folder on it: the last resort of `failure_action dump_to_rootfs`. Absent unless that is wished. */
  readonly root?: ArmedTarget;
  /** Absent when no target needs it. */
  readonly network?: ArmedNetwork;
  /** Kernel modules in load order, as paths in the image. Loaded by the agent, whatever udev does. */
  readonly modules: readonly string[];
  /** What must stand on the capture kernel's command line for this image. */
  readonly commandLineWords?: readonly string[];
  /** SHA-256 over everything the image was made from; `status` compares it. */
  readonly inputHash: string;
};

/** Where things stand in every image, whoever made it. */
export const imagePaths = {
  configuration: '/etc/kcapture.conf',
  plan: '/etc/kcapture/armed.json',
  /** squashfs with `kcapture` in it. */
  payload: '/usr/lib/kcapture/kcapture.squashfs',
  /** The executable itself, where mksquashfs was missing. */
  plainExecutable: '/usr/lib/kcapture/kcapture',
  /** POSIX script that mounts the payload, runs the capture and has the last word. */
  captureScript: '/usr/lib/kcapture/capture.sh',
  /** Modules in load order, one path a line: what the script needs before the payload can be mounted. */
  earlyModules: '/usr/lib/kcapture/early-modules',
  /** For the script's guard: seconds without progress after which it reboots, and seconds in all, 0 for no limit. */
  guard: '/etc/kcapture/guard',
  mountPoint: '/run/kcapture/exe',
  /** Touched by the agent while there is progress (at least every 30 s); the script's guard reboots when it grows old. */
  alive: '/run/kcapture/alive',
  /** Written by the agent when it leaves a shell to a person: the guard stops. */
  guardOff: '/run/kcapture/guard-off',
} as const;
