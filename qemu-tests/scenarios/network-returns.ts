/**
 * Servers that die in the middle of a dump and are back five seconds later, and a network that loses packets: the dump arrives whole, and nothing of what
 * was sent in vain stays.
 */
import { crashOnce } from '../machine/crash-cycle.ts';
import { receiveByHttps } from '../receivers/https.ts';
import { killInTheMiddle } from '../receivers/interrupt.ts';
import { receiveByNfs } from '../receivers/nfs.ts';
import { receiveBySsh } from '../receivers/ssh.ts';
import { withReceivers } from '../receivers/with-receivers.ts';
import type { Scenario } from '../scenario.ts';
import { checkCrash } from '../verify/crash-and-capture.ts';

const awayMs = 5000;
const [losing, counting] = ['/etc/kcapture-loses', '/etc/kcapture-counts'];
/** Before the network is up. */
const losePackets = `#!/bin/sh
for card in /sys/class/net/e*; do tc qdisc add dev "\${card##*/}" root netem loss 2% delay 2ms; done
`;
const countLost = '#!/bin/sh\ntc -s qdisc show\n';
const patience = ['path /crash', 'stall_limit 20', 'retry_limit 60'];
const lossy = {
  configuration: [`kdump_pre ${losing}`, `kdump_post ${counting}`, 'extra_bins /usr/sbin/tc', 'extra_modules sch_netem'],
  hooks: { [losing]: losePackets, [counting]: countLost },
};

export const networkReturns: Scenario = {
  name: 'network-returns',
  kernels: ['6.1'],
  usesMachines: true,
  run: ({ checks, folder, machine }) =>
    withReceivers(folder, async ({ start, setUp, filesOf }) => {
      const guest = machine({ crashkernel: '256M', memoryMiB: 1024, network: true });
      for (const [name, receive, { configuration, hooks }] of [
        ['ssh', receiveBySsh, lossy],
        ['https', receiveByHttps, lossy],
        // Without loss: an NFS dump is read back for its checksum, which QEMU's user network makes last minutes then.
        ['nfs', receiveByNfs, { configuration: [], hooks: {} }],
      ] as const) {
        const receiver = await start(name, receive);
        const crashed = await crashOnce(guest, {
          configuration: [receiver.target, ...patience, ...configuration],
          files: filesOf([receiver]),
          before: setUp([receiver]),
          hooks,
          faults: [{ when: /saving the memory/, action: { kind: 'host', run: () => killInTheMiddle(receiver, awayMs) } }],
          captureLimitSeconds: 500,
        });
        const lost = Number(/qdisc netem[\s\S]*?dropped (\d+)/.exec(crashed.capture.console)?.[1]);
        if (losing in hooks) checks.ok(lost > 50, `${name}: packets were lost on the way (${lost})`, crashed.capture.console.slice(-4000));
        checkCrash({ checks, folder, name: `${name}, killed and back`, crashed, dumps: receiver.captures(), failed: [] });
        // What a killed nginx leaves in its own temporary folder no client can remove.
        checks.equal(
          receiver.leftOvers().filter((path) => !path.startsWith('.temporary/')),
          [],
          `${name}, killed and back: nothing half-sent stays`,
        );
      }
    }),
};
