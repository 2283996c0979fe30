/** Programs for a rooted system: those of this machine, called with every absolute path moved below the root. */
import type { Programs } from '../sys/programs-interface.ts';

/** @param missing programs that shall seem not to be installed. */
export function programsBelow(root: string, real: Programs, missing: readonly string[] = []): Programs {
  return {
    find: (name) => (missing.includes(name) ? undefined : real.find(name)),
    run: ([program, ...words], options) =>
      real.run(
        [program.startsWith('/') ? `${root}${program}` : program, ...words.map((word) => (word.startsWith('/') ? `${root}${word}` : word))],
        options,
      ),
  };
}
