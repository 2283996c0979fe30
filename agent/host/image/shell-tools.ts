/** The shell and the few programs the capture script calls: one busybox where there is one that knows them all, else those of the system. */
import type { System } from '../../sys/system.ts';
import type { Consumer } from '../requirements/requirements.ts';
import { ImageError } from './cpio.ts';

export type ShellTools = {
  /** Absolute paths on this machine. */
  readonly programs: readonly string[];
  /** Links the image needs beside them: path → where it points. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
};

const applets = ['sh', 'mount', 'insmod', 'sleep', 'cat', 'mkdir', 'rm', 'chmod', 'reboot'] as const;
/** Without it the script panics the kernel instead, which reboots too. */
const dispensable: readonly string[] = ['reboot'];

/**
 * @throws ImageError `image/no-program` when neither busybox nor the programs themselves are there.
 */
export function shellTools(system: System, consumer: Consumer): ShellTools {
  const busybox = findBusybox(system);
  if (consumer === 'image' && busybox !== undefined) {
    return { programs: [busybox], links: applets.map((name) => ({ path: `/bin/${name}`, target: busybox })) };
  }
  const found = applets.map((name) => ({ name, path: system.programs.find(name) }));
  const missing = found.filter(({ name, path }) => path === undefined && !dispensable.includes(name)).map(({ name }) => name);
  if (missing.length > 0) {
    throw new ImageError(
      'image/no-program',
      `Cannot make an image: this machine has no ${missing.join(', ')}, which the capture script calls`,
      {
        hint: 'Install busybox, or the packages of these programs.',
      },
    );
  }
  // reboot is part of systemd where there is one, and would drag it in.
  const kept = found.filter(({ name }) => !dispensable.includes(name)) as { name: string; path: string }[];
  return {
    programs: kept.map(({ path }) => path),
    links: kept.filter(({ path, name }) => path !== `/bin/${name}`).map(({ name, path }) => ({ path: `/bin/${name}`, target: path })),
  };
}

function findBusybox({ programs }: System): string | undefined {
  const path = programs.find('busybox');
  if (path === undefined) return undefined;
  const { status, stdout } = programs.run([path, '--list']);
  const known = new Set(stdout.split('\n').map((line) => line.trim()));
  return status === 0 && applets.every((name) => known.has(name)) ? path : undefined;
}
