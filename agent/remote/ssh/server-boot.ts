/** Which start of the server's machine this is: what it had only in its memory is gone after another. */
import { KcaptureError } from '../../errors.ts';
import type { SshSession } from '../../sys/network-interface.ts';
import { mayPass } from './ssh-failure.ts';

/** @source Linux, proc_sys_kernel(5) */
const bootIdPath = '/proc/sys/kernel/random/boot_id';

/** `undefined`: not a Linux machine, or nothing but a folder of it is shown. */
export async function readServerBoot(session: SshSession): Promise<string | undefined> {
  try {
    const file = await session.open(bootIdPath, 'read');
    try {
      const text = Buffer.from(await file.read(0, 36)).toString('latin1');
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof KcaptureError && !mayPass(error)) return undefined;
    throw error;
  }
}
