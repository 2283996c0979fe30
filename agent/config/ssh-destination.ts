/** `USER@HOST`, as kdump.conf has it: no port and no folder; an IPv6 address with or without brackets. @source kdump.conf(5) */
import { isIPv6 } from 'node:net';
import { badValue, ConfigError } from './config-error.ts';
import { quote } from './problem.ts';
import type { SshPlace } from './remote-place.ts';
import { checkHostName } from './url-parts.ts';

/** Neither part may begin with `-`: a program would take it for an option. @throws ConfigError `config/value` */
export function readSshDestination(destination: string): SshPlace {
  const [, user, written] = destination.match(/^([A-Za-z0-9_][\w.-]*)@([A-Za-z0-9_[:][\w.:%[\]-]*)$/) ?? [];
  const host = written === undefined ? undefined : readHost(written);
  if (host !== undefined) return { kind: 'ssh', user, host, port: 22, path: undefined };
  const hint = destination.includes('@')
    ? 'Neither a port nor a path can stand here: write target ssh://USER@HOST/PATH, the port behind the host'
    : 'Say who logs in: ssh user@my.server.com';
  throw badValue(`Cannot use ${shown(destination)} as an ssh destination: expected USER@HOST`, hint);
}

/** A colon before the `@` begins a password. */
function shown(destination: string): string {
  return /:.*@/.test(destination) ? 'what stands here' : quote(destination);
}

/** How it stands in such a line; `undefined` for a place that only a URL can say. */
export function formatSshDestination({ user, host, port, path }: SshPlace): string | undefined {
  const isPlain = port === 22 && path === undefined && /^[A-Za-z0-9_][\w.-]*$/.test(user);
  return isPlain ? `${user}@${host}` : undefined;
}

function readHost(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (isIPv6(bare)) return bare.replace(/^[^%]*/, (address) => address.toLowerCase());
  try {
    return bare === text ? checkHostName(text) : undefined;
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
