/**
 * Libraries that travel inside the executable. They are loaded from files in memory, because in an initramfs there may be no place to
 * unpack them to.
 *
 * @source memfd_create(2); the loader takes `/proc/self/fd/N` like any other path
 */
import { existsSync, readFileSync } from 'node:fs';
import { dlopen, type FFIFunction } from 'bun:ffi';
import { reasonOf } from './errno.ts';
import { createMemoryFile, loadGlobally, NativeError } from './libc.ts';
import deflatePath from './native/libdeflate.so' with { type: 'file' };
import gccPath from './native/libgcc_s.so' with { type: 'file' };
import snappyPath from './native/libsnappy.so' with { type: 'file' };
import cxxPath from './native/libstdc++.so' with { type: 'file' };
import zstdPath from './native/libzstd.so' with { type: 'file' };
import { writeAll } from './stdout-sink.ts';

const paths = { libzstd: zstdPath, libdeflate: deflatePath, libsnappy: snappyPath, 'libstdc++': cxxPath, libgcc_s: gccPath } as const;

export type EmbeddedLibrary = keyof typeof paths;

const loadedGlobally = new Set<EmbeddedLibrary>();

/**
 * Loads an embedded library and finds its functions.
 *
 * @param needs libraries it depends on, in the order in which they are loaded first.
 * @throws NativeError `sys/native`: no memory, no /proc, a function that is not there.
 */
export function openEmbeddedLibrary<T extends Record<string, FFIFunction>>(
  name: EmbeddedLibrary,
  functions: T,
  needs: readonly EmbeddedLibrary[] = [],
) {
  for (const need of needs) {
    if (loadedGlobally.has(need)) continue;
    withMemoryFile(need, loadGlobally);
    loadedGlobally.add(need);
  }
  return withMemoryFile(name, (path) => {
    // Why: this is what brings the codec into the process.
    // Safe: the bytes were put into the executable by its build; the signatures are those of the library's public header.
    return dlopen(path, functions);
  });
}

/**
 * The descriptor stays open for the life of the process: the loader knows libraries by path, and would give the old library for a path
 * whose number is used again.
 */
function withMemoryFile<T>(name: EmbeddedLibrary, load: (path: string) => T): T {
  try {
    const fd = createMemoryFile(`kcapture-${name}`);
    const path = `/proc/self/fd/${fd}`;
    if (!existsSync(path))
      throw new NativeError('sys/native', `Cannot load ${name}: "/proc" is not mounted`, { hint: 'Mount proc on /proc.' });
    writeAll(fd, readFileSync(paths[name]), () => {});
    return load(path);
  } catch (cause) {
    if (cause instanceof NativeError) throw cause;
    throw new NativeError('sys/native', `Cannot load ${name}: ${reasonOf(cause)}`, { cause });
  }
}
