/** Where a dump goes. */
import type { Directive } from '../directive.ts';
import { diskFileSystems, noNetwork, readTarget, type TargetKind } from '../target-wish.ts';
import { readFilePath, readFolder } from '../values.ts';

const examples: Partial<Record<TargetKind, readonly string[]>> = {
  ext4: ['/dev/vg/lv_kdump', 'LABEL=/boot', 'UUID=03138356-5e61-4ab3-b58e-27507ac41937', 'LABEL=crash noatime'],
  btrfs: ['UUID=03138356-5e61-4ab3-b58e-27507ac41937 subvol=/@crash'],
};

function target(name: TargetKind, value: string, meaning: string, shown: readonly string[]): Directive {
  return {
    name,
    value,
    meaning,
    default: 'none',
    examples: shown,
    origin: name === 'f2fs' ? 'kcapture' : 'kdump',
    isTarget: true,
    apply: (draft, { written, line }) => {
      draft.newTargets = [...draft.newTargets, readTarget(name, written, line)];
    },
  };
}

export const targetDirectives: readonly Directive[] = [
  ...diskFileSystems.map((name) =>
    target(
      name,
      'DEVICE [OPTIONS]',
      `Save to this ${name} file system, mounted in the capture kernel, with mount options if any.`,
      examples[name] ?? ['LABEL=crash'],
    ),
  ),
  target('nfs', 'HOST:/EXPORT', `Save to an NFS export; an IPv6 address stands in brackets. Read, and out of reach so far: ${noNetwork}.`, [
    'my.server.com:/export/tmp',
    '[2001:db8::1:2:3:4]:/export/tmp',
  ]),
  target('ssh', 'USER@HOST', `Send to this machine through ssh. Read, and out of reach so far: ${noNetwork}.`, [
    'user@my.server.com',
    'user@2001:db8::1:2:3:4',
  ]),
  target('raw', 'DEVICE', 'Write the dump to a block device itself; what is on it is lost, and `path` has no meaning there.', [
    '/dev/vg/lv_kdump',
    'PARTUUID=6f1c9a0e-02',
  ]),
  target('virtiofs', 'TAG', "Save to a folder of the host's, shared by virtiofs.", ['myfs']),
  {
    name: 'path',
    value: 'FOLDER',
    meaning:
      'Folder for dumps, inside the target; without a target it is a path on the running system, and the file system that holds it is the target.',
    default: '/var/crash',
    examples: ['/var/crash', '/srv/dumps'],
    origin: 'kdump',
    apply: (draft, { written }) => {
      draft.path = readFolder(written);
    },
  },
  {
    name: 'sshkey',
    value: 'FILE',
    meaning: 'Private key for the ssh target.',
    default: '/root/.ssh/kdump_id_rsa if it is there',
    examples: ['/root/.ssh/kdump_id_rsa'],
    origin: 'kdump',
    apply: (draft, { written }) => {
      draft.sshKey = readFilePath(written, 'key file');
    },
  },
];
