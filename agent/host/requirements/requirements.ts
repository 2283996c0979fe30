/**
 * What an image must hold so that a capture works: the one answer that dracut, mkinitcpio and `kcapture image` all ask for.
 *
 * Printed for shell scripts as lines of `kind` TAB `field` TAB …, in this order of kinds; paths hold no tabs and no newlines (checked).
 */
import type { ArmedPlan } from '../../config/armed-plan.ts';

export type Consumer = 'dracut' | 'mkinitcpio' | 'image';

export type RequiredFile = { readonly source: string; readonly destination: string; readonly mode: number };

export type Requirements = {
  readonly consumer: Consumer;
  readonly kernelRelease: string;
  readonly plan: ArmedPlan;
  /** `folder PATH MODE`: folders that not everybody may look into, before the files in them. */
  readonly folders: readonly { readonly path: string; readonly mode: number }[];
  /** `file SOURCE DESTINATION MODE`: configuration, plan, scripts, key files, payload. Sources that had to be made stand in a work folder. */
  readonly files: readonly RequiredFile[];
  /** `program PATH`: copied with the libraries it is linked to. */
  readonly programs: readonly string[];
  /** `link PATH TARGET`: names under which the capture script finds its programs, unless something is there already. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** `library PATH`: what the packed executable is linked to, and what programs open at run time; invisible to ldd. */
  readonly libraries: readonly string[];
  /** `module NAME PATH`: in load order, dependencies first; built-in ones are left out. */
  readonly modules: readonly { readonly name: string; readonly path: string }[];
  /** `firmware PATH`: relative to `/lib/firmware`. */
  readonly firmware: readonly string[];
  /** `cmdline WORD`: for the capture kernel's command line. */
  readonly commandLineWords: readonly string[];
  /** `warning TEXT`: what will be missing in the image, and what to do about it. */
  readonly warnings: readonly string[];
};
