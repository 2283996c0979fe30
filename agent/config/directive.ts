/** What a directive is: a name, what may stand behind it, what that means, and how it changes a configuration. */
import type { Draft } from './draft.ts';

export type Line = {
  /** Without quotes around the whole: for text, and for lists of words. */
  readonly value: string;
  /** With them: for one word, which may hold blanks. */
  readonly written: string;
  /** 1-based; 0 on the kernel's command line. */
  readonly line: number;
  readonly warn: (message: string, hint?: string) => void;
};

export type Directive = {
  readonly name: string;
  /** An older spelling: it works, with a warning. */
  readonly formerName?: string;
  /** What stands behind the name: capitals are to be filled in. */
  readonly value: string;
  /** One sentence or two, for the reference. */
  readonly meaning: string;
  /** As it would be written, or in words. */
  readonly default: string;
  /** Values that can be used, one in each way of writing it. */
  readonly examples: readonly string[];
  /** Where the word comes from: `kdump` words mean what they mean in kdump.conf. */
  readonly origin: 'kdump' | 'kcapture';
  /** Each further line adds. */
  readonly repeats?: true;
  /** Targets share one list: a second one is tried after the first. */
  readonly isTarget?: true;
  /**
   * Changes the draft when the value can be used, else leaves it as it was.
   * @throws ConfigError `config/value`
   */
  readonly apply: (draft: Draft, line: Line) => void;
};
