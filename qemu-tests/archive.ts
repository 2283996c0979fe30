/** This machine's own Debian archive, whose other suites hold what this one has not. */
import { globSync, readFileSync } from 'node:fs';

export const archiveKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Its address, from apt's sources (both spellings of the format). */
export function archiveAddress(): string {
  const words = globSync(['/etc/apt/sources.list', '/etc/apt/sources.list.d/*.{sources,list}'])
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => /^(deb|URIs:)\s/.test(line))
    .flatMap((line) => line.split(/\s+/));
  const address = words.find((word) => /^[a-z+]+:.*\/debian\/?$/.test(word));
  if (address === undefined) throw new Error('Cannot find the Debian archive in /etc/apt: no address that ends in /debian');
  return address;
}
