/** Removing a folder and all in it, and nothing else: no link is followed and no mount point crossed, whatever changes meanwhile. */
import { constants, lstatSync, readdirSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './errno.ts';
import { FilesError } from './files-error.ts';
import { withOpenFile } from './read-file.ts';

/** Each level holds one descriptor open. */
const deepest = 256;

/**
 * Nothing happens when there is nothing; a file or link is removed.
 *
 * @throws FilesError `files/io` for a mount point in the tree, or one deeper than 256 folders; else what the system calls throw.
 */
export function removeTree(place: string): void {
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isDirectory()) return unlinkSync(place);
  emptyFolder(place, place, undefined, 0);
  rmdirSync(place);
}

/**
 * Works through the open folder's descriptor: a folder that is swapped for a link on the way is refused by O_NOFOLLOW.
 *
 * @param handle the folder as the kernel finds it: below a descriptor of its parent. @param shown its name for people.
 */
function emptyFolder(handle: string | Buffer, shown: string, mount: string | undefined, depth: number): void {
  if (depth > deepest) throw new FilesError('files/io', `Cannot remove "${shown}": more than ${deepest} folders deep`, { where: shown });
  withOpenFile(
    handle,
    (fd) => {
      const ownMount = mountOf(fd);
      if (mount !== undefined && ownMount !== mount) {
        throw new FilesError('files/io', `Cannot remove "${shown}": it is a mount point`, { where: shown, hint: 'Unmount it first.' });
      }
      const handles = Buffer.from(`/proc/self/fd/${fd}/`);
      // Names are bytes: not every one is UTF-8.
      for (const entry of readdirSync(`/proc/self/fd/${fd}`, 'buffer')) {
        const name = Buffer.concat([handles, entry]);
        if (lstatSync(name, { throwIfNoEntry: false })?.isDirectory()) {
          emptyFolder(name, join(shown, entry.toString()), ownMount, depth + 1);
          rmdirSync(name);
        } else {
          unlinkIfThere(name);
        }
      }
    },
    constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
}

/** The mount a descriptor belongs to: tells bind mounts apart, which the device number does not. @source proc(5), `/proc/PID/fdinfo`: mnt_id */
function mountOf(fd: number): string {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
}

function unlinkIfThere(name: Buffer): void {
  try {
    unlinkSync(name);
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause;
  }
}
