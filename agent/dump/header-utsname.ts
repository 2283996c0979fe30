/** The names of the crashed kernel for a dump header, whatever of them can still be read. */
import { UTSNAME_BYTES, decodeUtsname, readUtsname } from '../address/utsname.ts';
import { encodeText } from '../binary/text.ts';
import { KcaptureError } from '../errors.ts';
import { asKdump } from '../format/open-source.ts';
import type { Kernel } from './open-kernel.ts';

const fieldBytes = UTSNAME_BYTES / 6;

/**
 * Readers refuse a dump that does not name its machine, so that name is always right: it comes from the source's header when memory does
 * not have it.
 * @returns 390 bytes.
 */
export function headerUtsname(kernel: Kernel): Uint8Array {
  const names = fromMemory(kernel) ?? asKdump(kernel.memory)?.header.utsnameBytes.slice() ?? fromVmcoreinfo(kernel);
  if (decodeUtsname(names).machine !== kernel.memory.machine) putName(names, 4, kernel.memory.machine);
  return names;
}

function fromMemory({ info, virtual }: Kernel): Uint8Array | undefined {
  if (virtual === undefined) return undefined;
  try {
    return readUtsname(info, virtual);
  } catch (error) {
    if (error instanceof KcaptureError) return undefined;
    throw error;
  }
}

function fromVmcoreinfo({ info }: Kernel): Uint8Array {
  const names = new Uint8Array(UTSNAME_BYTES);
  putName(names, 0, 'Linux');
  putName(names, 2, info.plain('OSRELEASE') ?? '');
  return names;
}

/** @param index sysname, nodename, release, version, machine, domainname. */
function putName(names: Uint8Array, index: number, name: string): void {
  const field = names.subarray(index * fieldBytes, (index + 1) * fieldBytes);
  field.fill(0);
  field.set(encodeText(name).subarray(0, fieldBytes - 1));
}
