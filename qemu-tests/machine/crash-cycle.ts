/**
 * One crash of a machine: writes the configuration and the hooks, loads, crashes.
 *
 * Comes in: what differs between two crashes. Goes out: the boot; what the capture left is read by a later one.
 */
import type { Step } from './boot-script.ts';
import type { Boot, BootOptions } from './boot.ts';
import type { Machine } from './machine.ts';

export type CrashCycle = Omit<BootOptions, 'steps' | 'crash'> & {
  /** Lines of `kcapture.conf`; `generator` is added. */
  readonly configuration: readonly string[];
  /** Default: `own`. */
  readonly generator?: 'own' | 'dracut';
  /** Absolute path → script; each may be run. */
  readonly hooks?: Readonly<Record<string, string>>;
  /** Before loading; disks have to be opened here. */
  readonly before?: readonly Step[];
  /** After loading. */
  readonly after?: readonly Step[];
};

export function crashOnce(
  { boot }: Machine,
  { configuration, generator = 'own', hooks = {}, files = {}, before = [], after = [], ...rest }: CrashCycle,
): Promise<Boot> {
  const paths = Object.keys(hooks);
  return boot({
    stepsLimitSeconds: 600,
    ...rest,
    files: { '/etc/kcapture.conf': [...configuration, `generator ${generator}`, ''].join('\n'), ...hooks, ...files },
    steps: [
      ...before,
      ...(paths.length > 0 ? [{ name: 'hooks', run: `chmod 755 ${paths.join(' ')}` }] : []),
      { name: 'load', run: 'kcapture load' },
      ...after,
      // Else a later boot may find an old list of what was installed.
      ...(paths.length > 0 ? [{ name: 'hooks-away', run: `rm ${paths.join(' ')}` }] : []),
    ],
    crash: true,
  });
}
