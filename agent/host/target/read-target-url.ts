/** A target on the network as a URL on the command line names it. */
import type { TargetWish } from '../../config/configuration.ts';
import { parseRemoteUrl } from '../../config/remote-url.ts';
import { splitPath, splitUrl } from '../../config/url-parts.ts';
import { TargetSetUpError } from './target-set-up-error.ts';

export type NetworkWish = Extract<TargetWish, { kind: 'nfs' | 'remote' }>;

/** @throws ConfigError `config/value`; TargetSetUpError `target-set-up/kind`. Neither repeats a secret that stands in the URL by mistake. */
export function readTargetUrl(text: string): NetworkWish {
  if (!/^nfs:\/\//i.test(text)) return { kind: 'remote', place: parseRemoteUrl(text), line: 0 };
  const { host, port, user, path, query } = splitUrl(text);
  if (user !== undefined || port !== undefined || query !== undefined) {
    throw new TargetSetUpError('target-set-up/kind', 'Cannot use this URL: expected nfs://HOST/EXPORT', {
      hint: 'Options of an export stand in the configuration',
    });
  }
  return { kind: 'nfs', source: `${host.includes(':') ? `[${host}]` : host}:/${splitPath(path).join('/')}`, options: undefined, line: 0 };
}

export function isNetworkWish(wish: TargetWish): wish is NetworkWish {
  return wish.kind === 'nfs' || wish.kind === 'remote';
}
