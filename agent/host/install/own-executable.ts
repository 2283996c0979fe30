/** The executable that is installed: the running one, after it has proved that a copy of it will be kcapture. */
import { parseJsonObject } from '../../binary/json-object.ts';
import type { Files } from '../../sys/files-interface.ts';
import type { System } from '../../sys/system.ts';
import { InstallError } from './install-error.ts';
import { readRecord } from './record.ts';
import { executablePlace } from './wanted-files.ts';

/**
 * Its bytes; `undefined` when it stands at its place already and was not put there by us.
 * @param files of the system that is installed to.
 * @throws InstallError `install/executable`: the running program is not a built kcapture of this version.
 */
export function executableToInstall(system: System, files: Files, version: string): Uint8Array | undefined {
  const isInPlace = files === system.files && files.realPath(executablePlace) === files.realPath(system.executablePath);
  const wasInstalled = readRecord(files)?.entries.some(({ path }) => path === executablePlace) ?? false;
  if (isInPlace && !wasInstalled) return undefined;
  checkProgram(system, version);
  return system.files.readBytes(system.executablePath);
}

/** Run from its sources, the running program is the runtime and not kcapture. */
function checkProgram(system: System, version: string): void {
  const path = system.executablePath;
  const { status, stdout, stderr } = system.programs.run([path, 'version', '--json'], { timeoutMs: 60_000 });
  if (status === 0 && parseJsonObject(stdout)?.version === version) return;
  const found = `"version --json" gave status ${status} and ${JSON.stringify(`${stdout}${stderr}`.trim().slice(0, 200))}`;
  const hint = 'Build the executable and run that: npm run build, then dist/kcapture install.';
  throw new InstallError('install/executable', `Cannot install "${path}": ${found}, expected kcapture ${version}`, { where: path, hint });
}
