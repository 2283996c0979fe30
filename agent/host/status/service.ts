/** Will the capture kernel be loaded at the next boot? What systemd has on disk; systemctl is not asked, so that it works in a chroot too. */
import type { Files } from '../../sys/files-interface.ts';

/** `no-systemd`: another init starts things here. */
export type ServiceState = 'enabled' | 'disabled' | 'masked' | 'absent' | 'no-systemd';

const unitName = 'kcapture.service';
const unitFolders = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

export function readServiceState(files: Files): ServiceState {
  if (unitFolders.every((folder) => files.status(folder) === undefined)) return 'no-systemd';
  const unit = unitFolders.map((folder) => `${folder}/${unitName}`).find((path) => files.linkStatus(path) !== undefined);
  if (unit === undefined) return 'absent';
  if (files.readLink(unit) === '/dev/null') return 'masked';
  return unitFolders.some((folder) => isWanted(files, folder)) ? 'enabled' : 'disabled';
}

function isWanted(files: Files, folder: string): boolean {
  const wants = files.list(folder).filter((name) => name.endsWith('.wants') || name.endsWith('.requires'));
  return wants.some((name) => files.linkStatus(`${folder}/${name}/${unitName}`) !== undefined);
}
