/**
 * URLs of places that take dumps: `ssh://`, `sftp://`, `http://`, `https://`, `s3://`.
 *
 * Secrets have no place in them: what proves who we are is kept apart. A URL with a password in it is refused, and no message repeats it.
 */
import { isDeepStrictEqual } from 'node:util';
import { badValue, ConfigError } from './config-error.ts';
import type { HttpPlace, RemotePlace, SshPlace } from './remote-place.ts';
import { formatS3Url, readS3Url } from './s3-url.ts';
import { decodePart, encodeHost, encodePart, splitPath, splitUrl, type UrlParts } from './url-parts.ts';

const sshPort = 22;

export const remoteSchemes = ['ssh', 'sftp', 'http', 'https', 's3'] as const;

/**
 * @param where for the error: the file and line the URL stands in.
 * @throws ConfigError `config/value`
 */
export function parseRemoteUrl(text: string, where?: string): RemotePlace {
  try {
    return readPlace(splitUrl(text));
  } catch (error) {
    if (!(error instanceof ConfigError) || where === undefined) throw error;
    throw new ConfigError(error.code, error.message, { where, hint: error.hint });
  }
}

/** True for a text that begins as a URL does, whatever follows. */
export function looksLikeUrl(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text);
}

/** As it would be written. What it gives is read as the same place. */
export function formatRemoteUrl(place: RemotePlace): string {
  switch (place.kind) {
    case 'ssh':
      return `ssh://${encodeURIComponent(place.user).replace(/'/g, '%27')}@${encodeHost(place.host)}${formatPort(place.port, sshPort)}${formatSshPath(place.path)}`;
    case 'http':
      return `http${place.secure ? 's' : ''}://${encodeHost(place.host)}${formatPort(place.port, webPort(place.secure))}${place.path}`;
    case 's3':
      return formatS3Url(place);
  }
}

/** True for a place that a URL, or a destination of kdump.conf with a folder, can name: every member has the form it should have. */
export function isPlace(place: RemotePlace): boolean {
  if (place.kind === 'ssh' && place.path !== undefined && !isFolder(place.path)) return false;
  const whole = place.kind === 'ssh' ? { ...place, path: undefined } : place;
  try {
    return isDeepStrictEqual(parseRemoteUrl(formatRemoteUrl(whole)), whole);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof URIError) return false;
    throw error;
  }
}

function isFolder(path: string): boolean {
  return /^~?\/[^\0]*$/.test(path) && !path.split('/').includes('..');
}

function readPlace(parts: UrlParts): RemotePlace {
  switch (parts.scheme) {
    case 'ssh':
    case 'sftp':
      return readSsh(parts);
    case 'http':
    case 'https':
      return readHttp(parts);
    case 's3':
      refuseUser(parts);
      return readS3Url(parts);
    default:
      throw badValue(
        `Cannot send a dump to a URL that begins with ${parts.scheme}: expected one of ${remoteSchemes.join(', ')}, nfs`,
        hintFor(parts.scheme),
      );
  }
}

function hintFor(scheme: string): string | undefined {
  if (scheme === 'scp') return 'Write ssh:// for a machine that takes files through ssh';
  if (scheme === 'nfs') return 'Write "nfs HOST:/EXPORT" or "target nfs://HOST/EXPORT"';
  return undefined;
}

function readSsh(parts: UrlParts): SshPlace {
  const { user, host, port = sshPort, path } = parts;
  if (user === undefined || user === '')
    throw badValue(`Cannot use this URL: nobody is said to log in at ${host}`, `Write ssh://USER@${encodeHost(host)}/PATH`);
  if (user.includes(':')) throw refusal();
  if (parts.query !== undefined) throw badValue('Cannot use this URL: nothing may follow "?" in one of ssh');
  return { kind: 'ssh', user: checkUser(decodePart(user)), host, port, path: readSshPath(path) };
}

/** @throws ConfigError for a name that a program could take for an option or for two. */
function checkUser(user: string): string {
  if (user.length <= 128 && /^[^\s:/@-][^\s:/]*$/.test(user)) return user;
  throw badValue('Cannot use the user of this URL: expected a name without blanks, colons and slashes that does not begin with "-"');
}

/** Behind `/~/` begins the user's home, as with other programs. The top of the server is no place for dumps: there `path` holds. */
function readSshPath(path: string): string | undefined {
  const segments = splitPath(path);
  if (segments.length === 0) return undefined;
  if (!segments[0].startsWith('~')) return `/${segments.join('/')}`;
  if (segments[0] !== '~' || segments.length === 1) {
    throw badValue('Cannot use this URL: expected a folder behind /~/', 'Write for instance ssh://user@my.server.com/~/crash');
  }
  return segments.join('/');
}

function formatSshPath(path: string | undefined): string {
  if (path === undefined) return '';
  return `${path.startsWith('/') ? '' : '/'}${path.split('/').map(encodePart).join('/')}`;
}

function readHttp(parts: UrlParts): HttpPlace {
  refuseUser(parts);
  const secure = parts.scheme === 'https';
  if (parts.query !== undefined)
    throw badValue('Cannot use this URL: nothing may follow "?"', 'The names of the files of a dump are added to the path');
  return {
    kind: 'http',
    secure,
    host: parts.host,
    port: parts.port ?? webPort(secure),
    path: `/${splitPath(parts.path).map(encodePart).join('/')}`,
  };
}

function refuseUser({ user }: UrlParts): void {
  if (user !== undefined) throw refusal();
}

function refusal(): ConfigError {
  return badValue(
    'Cannot use a URL with a user or a password in it: whoever reads the configuration would have them',
    'Write the URL without them, and let "kcapture target add URL" ask for them and keep them apart',
  );
}

function webPort(secure: boolean): number {
  return secure ? 443 : 80;
}

function formatPort(port: number, usual: number): string {
  return port === usual ? '' : `:${port}`;
}
