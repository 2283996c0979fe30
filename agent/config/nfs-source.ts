/**
 * NFS exports: `HOST:/EXPORT`, an IPv6 address in brackets, or `nfs://HOST[:PORT]/EXPORT`; with options of mount behind a blank.
 *
 * @source nfs(5); RFC 2224, of which only the form of the URL is taken: its paths are those of the server
 */
import { badValue } from './config-error.ts';
import type { TargetWish } from './configuration.ts';
import { checkMountOptions } from './mount-words.ts';
import { quote } from './problem.ts';
import { encodeHost, splitPath, splitUrl } from './url-parts.ts';

export type NfsWish = Extract<TargetWish, { kind: 'nfs' }>;

const usualPort = 2049;

/** @param words the source and, where there are any, the options. @throws ConfigError `config/value` */
export function readNfs([written, options, ...more]: readonly string[], line: number): NfsWish {
  if (written === undefined) throw badValue('Cannot use an empty value for nfs: expected HOST:/EXPORT');
  if (more.length > 0) throw badValue(`Cannot use ${quote(more[0])}: expected an export and at most one word of mount options behind it`);
  const { source, port } = /^nfs:\/\//i.test(written) ? readNfsUrl(written) : { source: checkNfsSource(written), port: undefined };
  const words = [...(port === undefined ? [] : [`port=${port}`]), ...(options === undefined ? [] : [checkNfsOptions(options)])];
  return { kind: 'nfs', source, options: words.length === 0 ? undefined : words.join(','), line };
}

/** @param source of a wish. `host`: without brackets. `exported`: absolute. */
export function splitNfsSource(source: string): { readonly host: string; readonly exported: string } {
  const end = source.startsWith('[') ? source.indexOf(']') + 1 : source.indexOf(':');
  const host = source.slice(0, end);
  return { host: host.replace(/^\[(.*)\]$/, '$1'), exported: source.slice(end + 1) };
}

function readNfsUrl(text: string): { source: string; port: number | undefined } {
  const { user, host, port, path, query } = splitUrl(text);
  if (user !== undefined) throw badValue('Cannot use this URL: nobody logs in to an NFS server', 'Write nfs://HOST/EXPORT');
  if (query !== undefined)
    throw badValue('Cannot use this URL: nothing may follow "?"', 'Options of mount stand behind a blank: nfs://HOST/EXPORT vers=4.1');
  const source = `${encodeHost(host).replace('%25', '%')}:/${splitPath(path).join('/')}`;
  return { source: checkNfsSource(source), port: port === usualPort ? undefined : port };
}

function checkNfsSource(source: string): string {
  if (/^(\[[0-9A-Fa-f:.]+(%[\w.-]+)?\]|[A-Za-z0-9_][\w.-]*):\/[^\s]*$/.test(source)) return source;
  const [, host, path] = source.match(/^([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*):(\/.*)$/) ?? [];
  const hint =
    host === undefined ? 'Write for instance nfs my.server.com:/export/crash' : `An IPv6 address needs brackets: [${host}]:${path}`;
  throw badValue(`Cannot use ${quote(source)} as an NFS export: expected HOST:/PATH`, hint);
}

/** Kerberos asks programs that no image has, and would wait for their answer. @source rpc.gssd(8) */
function checkNfsOptions(options: string): string {
  const words = checkMountOptions(options).split(',');
  if (!words.some((word) => /^sec=.*krb5/.test(word))) return options;
  throw badValue(
    'Cannot use Kerberos for an NFS target: the capture kernel has no ticket',
    "Export to this machine's address with sec=sys",
  );
}
