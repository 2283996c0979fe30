/**
 * How an export is asked for: which versions of NFS in which order, and the words each attempt gives to mount(2).
 *
 * There is no mount.nfs in the image: what it would add (the address, the protocol) is added here. Waiting is always bounded: a server that
 * goes away must become an error, so that the next target gets its turn.
 *
 * @source nfs(5); Linux, fs/nfs/fs_context.c
 */

/** As `vers=` has it; without locks, which need programs that are not in the image, where NFS itself has none. */
export type NfsVersion = '4.2' | '4.1' | '4.0' | '3' | '2';

const newestFirst: readonly NfsVersion[] = ['4.2', '4.1', '4.0', '3'];

/**
 * Tenths of a second until a request is sent again, and how often: it is an error 20 + 40 s after the server fell silent, or at most 30 + 60 s. A
 * guard takes three minutes of silence for the end of the run.
 * @source Linux, net/sunrpc/xprt.c, xprt_adjust_timeout(); fs/nfs/client.c, nfs_init_timeout_values()
 */
const timeo = { usual: 200, most: 300 } as const;
const retrans = { usual: 2, most: 2 } as const;

/** What we decide, and what only mount.nfs understands. @source nfs(5), mount.nfs(8) */
const ourWords =
  /^(hard|soft|softerr|softreval|nosoftreval|intr|nointr|bg|fg|retry=.*|addr=.*|mountaddr=.*|mounthost=.*|clientaddr=.*|proto=.*|mountproto=.*|tcp6?|udp6?|rdma|vers=.*|nfsvers=.*|v[234](\.\d)?|minorversion=.*|lock|nolock|local_lock=.*|timeo=.*|retrans=.*|fsc(=.*)?|nofsc|ro|rw)$/;

/** The versions to try: those that the options name, else all, newest first. */
export function versionsToTry(options: string): readonly NfsVersion[] {
  const words = options.split(',');
  const minor = words.find((word) => /^minorversion=\d$/.test(word))?.slice('minorversion='.length);
  const named = words.map((word) => /^(?:(?:nfs)?vers=|v)([234](?:\.\d)?)$/.exec(word)?.[1]).findLast((version) => version !== undefined);
  const wished = named === '4' && minor !== undefined ? `4.${minor}` : named;
  if (wished === undefined) return newestFirst;
  if (wished === '4') return newestFirst.filter((version) => version.startsWith('4.'));
  return wished === '2' || newestFirst.includes(wished as NfsVersion) ? [wished as NfsVersion] : newestFirst;
}

/** Words for one attempt. @param address numeric */
export function nfsMountOptions(options: string, version: NfsVersion, address: string): string {
  const words = options.split(',').filter((word) => word !== '');
  const protocol = address.includes(':') ? 'tcp6' : 'tcp';
  const own = words.filter((word) => !ourWords.test(word));
  const oldWords = version.startsWith('4') ? [] : ['nolock', `mountproto=${protocol}`];
  return [
    'rw',
    ...own,
    `vers=${version}`,
    `addr=${address}`,
    `proto=${protocol}`,
    ...oldWords,
    'soft',
    `timeo=${numberIn(words, 'timeo', timeo)}`,
    `retrans=${numberIn(words, 'retrans', retrans)}`,
  ].join(',');
}

/** `[2001:db8::1]:/export` */
export function nfsSource(host: string, exported: string): string {
  return `${host.includes(':') ? `[${host}]` : host}:${exported}`;
}

function numberIn(words: readonly string[], name: string, { usual, most }: { usual: number; most: number }): number {
  const text = words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Math.min(Number(text), most) : usual;
}
