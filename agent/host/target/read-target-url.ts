/** A target on the network as the command line names it. */
import { readNfs } from '../../config/nfs-source.ts';
import type { TargetWish } from '../../config/configuration.ts';
import { parseRemoteUrl } from '../../config/remote-url.ts';

export type NetworkWish = Extract<TargetWish, { kind: 'nfs' | 'remote' }>;
type NfsWish = Extract<NetworkWish, { kind: 'nfs' }>;

/**
 * @param text a URL; of NFS also `nfs://HOST/EXPORT OPTIONS`, in one word for the shell.
 * @param configured an export that stands among them has the options it has there, unless others are named.
 * @throws ConfigError `config/value`, which repeats no secret that stands in the URL by mistake.
 */
export function readTargetUrl(text: string, configured: readonly TargetWish[]): NetworkWish {
  if (!/^nfs:\/\//i.test(text)) return { kind: 'remote', place: parseRemoteUrl(text), line: 0 };
  const wish = readNfs(text.trim().split(/\s+/), 0);
  return configured.find((one): one is NfsWish => one.kind === 'nfs' && one.source === wish.source && isWithin(wish, one)) ?? wish;
}

export function isNetworkWish(wish: TargetWish): wish is NetworkWish {
  return wish.kind === 'nfs' || wish.kind === 'remote';
}

function isWithin({ options = '' }: NfsWish, other: NfsWish): boolean {
  const others = (other.options ?? '').split(',');
  return options.split(',').every((word) => word === '' || others.includes(word));
}
