/** Which machine this is, whatever it is called. */
import type { Files } from '../sys/files-interface.ts';

/** 32 hexadecimal digits; `undefined` where there is none yet. @source machine-id(5) */
export function readMachineId({ files }: { readonly files: Pick<Files, 'readTextIfThere'> }): string | undefined {
  const id = files.readTextIfThere('/etc/machine-id')?.trim();
  return id !== undefined && /^[0-9a-f]{32}$/.test(id) ? id : undefined;
}
