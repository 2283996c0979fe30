/**
 * One crash of a machine with kcapture's own image: writes the configuration and the hooks, loads, crashes.
 *
 * Comes in: what differs between two crashes. Goes out: the boot; what the capture left is read by a later one.
 */
import type { Step } from './boot-script.ts';
import type { Boot, BootOptions } from './boot.ts';
import type { Machine } from './machine.ts';

export type CrashCycle = Omit<BootOptions, 'steps' | 'files' | 'crash'> & {
  /** Lines of `kcapture.conf`; `generator own` is added. */
  readonly configuration: readonly string[];
  /** Absolute path → script; each may be run. */
  readonly hooks?: Readonly<Record<string, string>>;
  /** Before loading; disks have to be opened here. */
  readonly before?: readonly Step[];
  /** After loading. */
  readonly after?: readonly Step[];
};

export function crashOnce({ boot }: Machine, { configuration, hooks = {}, before = [], after = [], ...rest }: CrashCycle): Promise<Boot> {
  const paths = Object.keys(hooks);
  return boot({
    stepsLimitSeconds: 600,
    ...rest,
    files: { '/etc/kcapture.conf': [...configuration, 'generator own', ''].join('\n'), ...hooks },
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
