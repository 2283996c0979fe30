/**
 * One mount(2) in a process of its own: the call may wait for a server without end, and only the end of its process ends it.
 *
 * The process is this executable again. It is told what to mount on its standard input and answers on its standard output, both as JSON; no
 * other program is needed in the image.
 */
import { parseJsonObject } from '../../binary/json-object.ts';
import { decodeText } from '../../binary/text.ts';
import { KcaptureError } from '../../errors.ts';
import type { MountRequest } from '../../sys/kernel-interface.ts';
import type { System } from '../../sys/system.ts';

/** `errno`: its name, e.g. `EACCES`; `TIME`: the call did not end within its limit; empty: it was not made. */
export type MountAnswer = { readonly mounted: true } | { readonly mounted: false; readonly errno: string; readonly reason: string };

/** The word of the command line behind which the process finds its part. */
export const mountStepWord = 'mount-step';
const timedOut = 124;
const mostRequestBytes = 64 * 1024;

/** Never throws. */
export function mountWithin(system: System, request: MountRequest, timeoutMs: number): MountAnswer {
  return askProcess(system, request, timeoutMs);
}

/**
 * Detaches at once; a server that is there is told, one that is silent is waited for no longer than this. Never throws.
 */
export function unmountWithin(system: System, mountPoint: string, timeoutMs: number): void {
  askProcess(system, { unmount: mountPoint }, timeoutMs);
}

type Request = MountRequest | { readonly unmount: string };

function askProcess(system: System, request: Request, timeoutMs: number): MountAnswer {
  const input = JSON.stringify(request);
  const { status, stdout, stderr } = system.programs.run([system.executablePath, mountStepWord], { input, timeoutMs });
  if (status === timedOut) return { mounted: false, errno: 'TIME', reason: `no answer within ${Math.round(timeoutMs / 1000)} s` };
  const answer = status === 0 ? readAnswer(stdout) : undefined;
  const said = stderr.trim().slice(0, 200);
  return answer ?? { mounted: false, errno: '', reason: `the process that mounts ended with ${status}${said === '' ? '' : `: ${said}`}` };
}

/** The process's own part: reads the request, mounts or unmounts, prints the answer. */
export function runMountStep(system: System): void {
  system.print(JSON.stringify(mountOnce(system, readRequest(system))));
}

function mountOnce({ kernel }: System, request: Request): MountAnswer {
  try {
    if ('unmount' in request) kernel.unmount(request.unmount, { lazy: true });
    else kernel.mount(request);
    return { mounted: true };
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { mounted: false, errno: 'errno' in error ? String(error.errno) : '', reason: error.message };
  }
}

/** @throws KcaptureError `target/mount` when it was called by hand. */
function readRequest(system: System): Request {
  const buffer = new Uint8Array(mostRequestBytes);
  let length = 0;
  for (;;) {
    const count = length < buffer.length ? system.readStandardInput(buffer.subarray(length)) : 0;
    if (count === 0) break;
    length += count;
  }
  const request = parseJsonObject(decodeText(buffer.subarray(0, length)));
  const { source, target, fsType, options, unmount } = request ?? {};
  if (typeof unmount === 'string') return { unmount };
  if (typeof source === 'string' && typeof target === 'string' && typeof fsType === 'string' && typeof options === 'string') {
    return { source, target, fsType, options };
  }
  throw new KcaptureError('target/mount', 'Cannot mount: standard input says nothing of what and where');
}

function readAnswer(text: string): MountAnswer | undefined {
  const answer = parseJsonObject(text);
  if (answer?.mounted === true) return { mounted: true };
  if (typeof answer?.errno !== 'string' || typeof answer.reason !== 'string') return undefined;
  return { mounted: false, errno: answer.errno, reason: answer.reason };
}
