/** A folder that one capture left behind, by whichever program. Sizes in bytes. Names and texts come from the disk: print them with `printable`. */
import type { CaptureStatus, Manifest } from '../../capture/manifest.ts';

/** Whose names the folder and its files have. @source kdump-utils, SUSE kdump, Debian kdump-tools */
export type Layout = 'kcapture' | 'kdump-utils' | 'suse' | 'debian';

/** `interrupted`: the capture did not come to its end. `empty`: a folder by that name with nothing in it. */
export type SavedStatus = CaptureStatus | 'interrupted' | 'empty';

export type SavedFile = {
  readonly name: string;
  readonly sizeBytes: number;
  /** Its name says that it was still being written. */
  readonly unfinished: boolean;
};

export type SavedDump = {
  readonly name: string;
  /** Absolute path. */
  readonly folder: string;
  readonly layout: Layout;
  readonly host: string | undefined;
  /** By the clock and in the time zone of the capture, from the folder's name: `2026-03-01 12:34:56`. */
  readonly time: string;
  readonly status: SavedStatus;
  /** Of all files in the folder. */
  readonly sizeBytes: number;
  readonly files: readonly SavedFile[];
  /** The memory: its file's name, finished or not. */
  readonly vmcore: string | undefined;
  readonly log: string | undefined;
  readonly manifest: Manifest | undefined;
  readonly release: string | undefined;
  readonly panic: string | undefined;
  /** What does not fit together, one sentence each. */
  readonly problems: readonly string[];
};
