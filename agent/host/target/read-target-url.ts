/** A target on the network as a URL on the command line names it. */
import { readNfs } from '../../config/nfs-source.ts';
import type { TargetWish } from '../../config/configuration.ts';
import { parseRemoteUrl } from '../../config/remote-url.ts';

export type NetworkWish = Extract<TargetWish, { kind: 'nfs' | 'remote' }>;

/** @throws ConfigError `config/value`, which repeats no secret that stands in the URL by mistake. */
export function readTargetUrl(text: string): NetworkWish {
  return /^nfs:\/\//i.test(text) ? readNfs([text], 0) : { kind: 'remote', place: parseRemoteUrl(text), line: 0 };
}

export function isNetworkWish(wish: TargetWish): wish is NetworkWish {
  return wish.kind === 'nfs' || wish.kind === 'remote';
}
