/**
 * The DHCP clients that can be asked for one lease, in the order in which they are tried. The kernel has none, and an image holds the one that the healthy machine
 * has, if it has one.
 *
 * They talk to the server: the script they are given writes the lease down, and the agent puts it into force. dhcpcd gives the link its address by itself too, which
 * is the same. Each got a lease of busybox udhcpd within 2 to 3 s (udhcpc 1.35, dhclient 4.4.3, dhcpcd 9.4.1; measured).
 */

export type DhcpFiles = { readonly script: string; readonly leases: string; readonly processId: string };

export type DhcpClient = {
  /** Name of the program, for the image. */
  readonly program: string;
  /** Asks for one lease in the foreground and ends. */
  argv(program: string, link: string, files: DhcpFiles, seconds: number): readonly string[];
  /** Ends what goes on in the background, where the client cannot be kept from it. */
  stop?(program: string, link: string, files: DhcpFiles): readonly string[];
};

/** Between two requests of udhcpc. */
const pauseSeconds = 2;

/**
 * What has to be in the image for links whose addresses come by DHCP: the first of these that is on the healthy machine. All need a POSIX shell and `mv`, and sockets of
 * the module af_packet.
 *
 * @source busybox udhcpc --help; dhcpcd(8); dhclient(8)
 */
export const dhcpClients: readonly DhcpClient[] = [
  { program: 'udhcpc', argv: (program, ...rest) => [program, ...udhcpcWords(...rest)] },
  { program: 'busybox', argv: (program, ...rest) => [program, 'udhcpc', ...udhcpcWords(...rest)] },
  {
    program: 'dhcpcd',
    argv: (program, link, { script }, seconds) => [
      ...[program, '--ipv4only', '--oneshot', '--nobackground', '--noipv4ll', '--noarp'],
      ...['--timeout', String(seconds), '--script', script, link],
    ],
  },
  {
    program: 'dhclient',
    argv: (program, link, { script, leases, processId }) => [
      ...[program, '-4', '-1', '-q', '-sf', script, '-lf', leases, '-pf', processId, link],
    ],
    stop: (program, link, { processId }) => [program, '-x', '-pf', processId, link],
  },
];

function udhcpcWords(link: string, { script }: DhcpFiles, seconds: number): readonly string[] {
  const requests = Math.max(1, Math.floor(seconds / pauseSeconds));
  return ['-f', '-n', '-q', '-i', link, '-t', String(requests), '-T', String(pauseSeconds), '-A', String(pauseSeconds), '-s', script];
}
