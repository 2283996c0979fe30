/** Takes the credentials of a target away from this machine. What its server keeps of us is for its administrator. */
import type { Configuration } from '../../config/configuration.ts';
import { credentialsFolder } from '../../config/credential-files.ts';
import type { System } from '../../sys/system.ts';
import { removeCredentialsFolder } from './credentials-folder.ts';
import { nfsFolder } from './nfs-url.ts';
import { isNetworkWish, type NetworkWish } from './read-target-url.ts';
import { splitNfsSource } from '../../config/nfs-source.ts';

export type Removed = { readonly folder: string; readonly wasThere: boolean /** What is left to do. */; readonly notes: readonly string[] };

/** @throws TargetSetUpError `target-set-up/permission`, `target-set-up/folder` */
export function removeTarget(system: System, wish: NetworkWish, { targets }: Pick<Configuration, 'targets'>): Removed {
  const folder = folderOf(wish);
  const wasThere = removeCredentialsFolder(system, folder);
  const isConfigured = targets.some((one) => isNetworkWish(one) && folderOf(one) === folder);
  return {
    folder,
    wasThere,
    notes: [
      ...(isConfigured ? ['It is still in the configuration: take it out of /etc/kcapture.conf'] : []),
      ...(wasThere
        ? ['The image has them until it is made again: kcapture load --rebuild', leftBehind[wish.kind === 'nfs' ? 'nfs' : wish.place.kind]]
        : []),
    ],
  };
}

const leftBehind = {
  ssh: 'The server lets the key in until its line in authorized_keys is gone',
  http: 'The server lets them in until they are taken away there',
  s3: 'The access key works until it is deleted at the store',
  nfs: 'The server lets this machine in until the export is changed',
} as const;

function folderOf(wish: NetworkWish): string {
  return wish.kind === 'nfs' ? nfsFolder(splitNfsSource(wish.source)) : credentialsFolder(wish.place);
}
