/** NFS exports by URL, and the folder in which is kept what was found out about one. It holds no secrets: an NFS server knows us by our address. */
import { createHash } from 'node:crypto';
import { credentialsRoot } from '../../config/credentials.ts';
import { encodeHost, encodePart } from '../../config/url-parts.ts';

export type NfsExport = { readonly host: string /** Absolute. */; readonly exported: string };

/** `nfs://HOST/EXPORT` */
export function nfsUrl({ host, exported }: NfsExport): string {
  return `nfs://${encodeHost(host)}${exported.split('/').map(encodePart).join('/')}`;
}

export function nfsFolder(target: NfsExport): string {
  const url = nfsUrl(target);
  const readable = url
    .replace(/[^A-Za-z0-9.]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/[-.]+$/, '')
    .slice(0, 64);
  return `${credentialsRoot}/${readable}-${createHash('sha256').update(url).digest('hex').slice(0, 12)}`;
}
