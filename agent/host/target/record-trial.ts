/** Keeps what a trial of a target found out, for the plan and for `kcapture status`. */
import type { NetworkTarget } from '../../config/armed-plan.ts';
import type { System } from '../../sys/system.ts';
import type { CheckedTarget } from './check-target.ts';
import { makeCredentialsFolder } from './credentials-folder.ts';
import { nfsFolder } from './nfs-url.ts';
import { readServerFacts, writeServerFacts } from './server-facts.ts';

/** Of a trial that failed only which target it was; what an earlier one found stays. @throws TargetSetUpError, FilesError */
export function recordTrial(system: System, target: NetworkTarget, { passed, url, bytesPerSecond, canRename }: CheckedTarget): void {
  const folder = target.kind === 'nfs' ? nfsFolder(target) : target.credentials;
  makeCredentialsFolder(system, folder);
  const checkedAt = new Date(system.kernel.wallClockMs()).toISOString();
  const found = passed ? { canRename: canRename === true, bytesPerSecond, checkedAt } : readServerFacts(system, folder);
  writeServerFacts(system, folder, { ...found, url });
}
