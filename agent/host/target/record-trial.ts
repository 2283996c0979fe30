/** Keeps what a trial of a target found out, for the plan and for `kcapture status`. */
import type { NetworkTarget } from '../../config/armed-plan.ts';
import type { System } from '../../sys/system.ts';
import type { CheckedTarget } from './check-target.ts';
import { makeCredentialsFolder } from './credentials-folder.ts';
import { nfsFolder } from './nfs-url.ts';
import { writeServerFacts } from './server-facts.ts';

/** Nothing is kept of a trial that failed. @throws TargetSetUpError, FilesError */
export function recordTrial(system: System, target: NetworkTarget, { passed, url, bytesPerSecond, canRename }: CheckedTarget): void {
  if (!passed) return;
  const folder = target.kind === 'nfs' ? nfsFolder(target) : target.credentials;
  makeCredentialsFolder(system, folder);
  writeServerFacts(system, folder, {
    url,
    canRename: canRename === true,
    bytesPerSecond,
    checkedAt: new Date(system.kernel.wallClockMs()).toISOString(),
  });
}
