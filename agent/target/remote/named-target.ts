/** A place on a server that somebody names, without a plan: its host is looked up when it is needed, its credentials lie where they always do. */
import type { ArmedTarget } from '../../config/armed-plan.ts';
import { credentialsFolder } from '../../config/credential-files.ts';
import type { RemotePlace } from '../../config/remote-place.ts';
import { formatRemoteUrl } from '../../config/remote-url.ts';

export type NamedTargetOptions = {
  /** Folder for dumps where the place names none. */
  readonly path: string;
  /** Folder of the credentials. Default: the one of this place. */
  readonly credentials?: string;
};

/** Whether the server renames files was not asked: it is taken for one that does not. */
export function namedTarget(place: RemotePlace, { path, credentials }: NamedTargetOptions): ArmedTarget & { kind: 'remote' } {
  return {
    kind: 'remote',
    wish: formatRemoteUrl(place),
    place: place.kind === 'ssh' ? { ...place, path: place.path ?? path } : place,
    addresses: [],
    credentials: credentials ?? credentialsFolder(place),
    canRename: false,
  };
}
