/** A machine's programs of which there is one alone: `getent`, which knows the given names. */
import type { Programs } from '../sys/programs-interface.ts';

/** @param names name → numeric addresses. */
export function buildNames(names: Readonly<Record<string, readonly string[]>>): Programs {
  return {
    find: () => undefined,
    run([program, database, name]) {
      if (program !== 'getent' || database !== 'ahosts') return { status: 127, stdout: '', stderr: '' };
      const addresses = names[name] ?? [];
      const lines = addresses.flatMap((address) =>
        ['STREAM', 'DGRAM', 'RAW'].map((kind) => `${address.padEnd(15)} ${kind.padEnd(6)} ${name}\n`),
      );
      return { status: addresses.length > 0 ? 0 : 2, stdout: lines.join(''), stderr: '' };
    },
  };
}
