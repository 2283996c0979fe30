/** `kcapture.log`: what the run said, and in the capture kernel what that kernel said. Worth having, and no reason to give up what is saved. */
import { dumpFiles } from '../target/dump-name.ts';
import type { DumpStore } from '../target/dump-store.ts';
import { asKcaptureError } from './capture-error.ts';
import type { Run } from './run.ts';

const mostKernelLogBytes = 1024 * 1024;

/** The whole log, under its name. Never throws. */
export function saveLog({ system, settings, log }: Run, store: DumpStore): void {
  const kernel = settings.inCaptureKernel ? `\n--- log of the capture kernel ---\n${system.kernel.readLog(mostKernelLogBytes)}` : '';
  try {
    store.save(dumpFiles.log, log.text + kernel);
  } catch (error) {
    log.warn(`the log of the capture cannot be saved: ${asKcaptureError(error).message}`);
  }
}

/** What was said so far, should no more come; and room for the manifest, should the memory fill the target. Never throws. */
export function keepLog({ log }: Run, store: DumpStore): void {
  try {
    store.keepLog(log.text);
    store.reserve();
  } catch (error) {
    log.warn(asKcaptureError(error).message);
  }
}
