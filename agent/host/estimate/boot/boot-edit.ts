/** How a word gets onto the kernel's command line on this machine. */

export type BootEdit = {
  /** For people, e.g. `GRUB (Debian)`. */
  readonly loader: string;
  /** What on this machine tells that it is used; `undefined`: nothing did. */
  readonly evidence: string | undefined;
  /** File to change; `undefined`: a command does it. */
  readonly file: string | undefined;
  /** Exactly what to do, in order: commands to type or changes to make. */
  readonly steps: readonly string[];
  /** How to take it back. */
  readonly undo: readonly string[];
  /** `estimate --apply` can do it. */
  readonly canApply: boolean;
};

/** What the edit is to say: the whole word, and the ones of the same name on the running line, which it replaces. */
export type WantedWord = { readonly word: string; readonly old: readonly string[] };
