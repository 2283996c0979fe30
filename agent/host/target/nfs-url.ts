/** NFS exports by URL, and the folder in which is kept what was found out about one. It holds no secrets: an NFS server knows us by our address. */
import { folderFor } from '../../config/credential-files.ts';
import { encodeHost, encodePart } from '../../config/url-parts.ts';

export type NfsExport = {
  readonly host: string;
  /** Absolute. */
  readonly exported: string;
  /** Of mount(2), as they were written. */
  readonly options?: string | undefined;
};

/** `nfs://HOST[:PORT]/EXPORT`. The other options are in no URL. */
export function nfsUrl({ host, exported, options = '' }: NfsExport): string {
  const port = /(?:^|,)port=(\d+)(?:,|$)/.exec(options)?.[1];
  return `nfs://${encodeHost(host)}${port === undefined ? '' : `:${port}`}${exported.split('/').map(encodePart).join('/')}`;
}

/** The same whatever the options. */
export function nfsFolder({ host, exported }: NfsExport): string {
  return folderFor(nfsUrl({ host, exported }));
}
