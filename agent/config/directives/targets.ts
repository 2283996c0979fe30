/** Where a dump goes. */
import type { Directive } from '../directive.ts';
import { diskFileSystems, readTarget, type TargetKind } from '../target-wish.ts';
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
    origin: name === 'f2fs' || name === 'target' ? 'kcapture' : 'kdump',
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
  target(
    'target',
    'URL',
    "Send to a server: `ssh://USER@HOST[:PORT]/FOLDER` (below the home: `/~/FOLDER`), `https://HOST/FOLDER`, `s3://BUCKET/PREFIX?region=REGION`, or `?endpoint=https://HOST` for a store that is not Amazon's; `nfs://HOST/EXPORT [OPTIONS]`. No passwords: `kcapture target add URL` asks for them.",
    [
      'ssh://dumps@my.server.com/var/crash',
      'https://dumps.example.org/incoming',
      's3://crashes/fleet?region=eu-central-1',
      's3://crashes?endpoint=https://store.example.org:9000',
      'nfs://my.server.com/export/crash vers=4.1',
    ],
  ),
  target(
    'nfs',
    'HOST:/EXPORT [OPTIONS]',
    'Save to an NFS export, with mount options if any; an IPv6 address stands in brackets. The version is found out unless `vers=` names it.',
    ['my.server.com:/export/tmp', '[2001:db8::1:2:3:4]:/export/tmp', 'my.server.com:/export/tmp vers=3,rsize=65536'],
  ),
  target(
    'ssh',
    'USER@HOST',
    'Send to this machine through ssh (SFTP), into the folder `path`. Its host key must be known: `kcapture target add`.',
    ['user@my.server.com', 'user@2001:db8::1:2:3:4'],
  ),
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
    meaning: 'Private key for ssh targets that have none of their own from `kcapture target add`; without a passphrase.',
    default: '/root/.ssh/kdump_id_rsa if it is there',
    examples: ['/root/.ssh/kdump_id_rsa'],
    origin: 'kdump',
    apply: (draft, { written }) => {
      draft.sshKey = readFilePath(written, 'key file');
    },
  },
];
