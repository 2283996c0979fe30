/**
 * Servers that cannot be trusted, are full or stall, a network that is gone, and a clock that stands at 1970: the dump goes to the next target, and
 * nothing looks whole that is not. Names cannot be resolved in the capture kernel: its image has no name server that answers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { crashOnce } from '../machine/crash-cycle.ts';
import { diskUuid } from '../machine/disks.ts';
import { receiveByHttps } from '../receivers/https.ts';
import { holdInTheMiddle, killInTheMiddle } from '../receivers/interrupt.ts';
import { receiveByNfs } from '../receivers/nfs.ts';
import type { Receiver } from '../receivers/receiver.ts';
import { receiveByS3 } from '../receivers/s3.ts';
import { receiveBySsh } from '../receivers/ssh.ts';
import { withReceivers } from '../receivers/with-receivers.ts';
import type { Scenario } from '../scenario.ts';
import type { Checks } from '../verify/checks.ts';
import { checkCrash } from '../verify/crash-and-capture.ts';
import { savedCaptures } from '../verify/saved-capture.ts';
import { checkLeftBehind } from '../verify/unfinished-capture.ts';

const patience = ['path /crash', 'stall_limit 8', 'retry_limit 20', 'loop_limit none', 'min_free 0'];
const awayMs = 5000;
/** nginx and nobody else removes what grew in its folder, when it sees that the client has gone. */
const tidyMs = 2000;
const diskTarget = `ext4 UUID=${diskUuid('dump')}`;

export const networkFaults: Scenario = {
  name: 'network-faults',
  kernels: ['6.1'],
  usesMachines: true,
  run: ({ checks, folder, machine }) =>
    withReceivers(folder, async ({ start, setUp, filesOf }) => {
      const disks = [{ name: 'dump', kind: 'ext4', sizeMiB: 768 }] as const;
      const guest = machine({ crashkernel: '256M', memoryMiB: 1024, network: true, clock: '1970-01-01T00:00:00', disks });

      const impostor = await start('impostor', receiveBySsh);
      const expired = await start('expired', receiveByHttps);
      const small = await start('small', (at) => receiveBySsh(at, { smallDisk: { sizeBytes: 6_000_000 } }));
      const stalling = await start('stalling', receiveByHttps);
      const silent = await start('silent', receiveByNfs);
      const objects = await start('objects', receiveByS3);
      const chain = [impostor, expired, small, stalling, silent, objects];
      const onHost = (run: () => Promise<void>) => ({ kind: 'host', run }) as const;
      const crashed = await crashOnce(guest, {
        configuration: [...chain.map(({ target }) => target), ...patience],
        files: filesOf(chain),
        before: setUp(chain),
        faults: [
          { when: 'crash', action: onHost(impostor.impersonate) },
          { when: 'crash', action: onHost(expired.letExpire) },
          { when: /target 4: [\s\S]*saving the memory/, action: onHost(() => holdInTheMiddle(stalling)) },
          { when: /target 5: [\s\S]*saving the memory/, action: onHost(() => holdInTheMiddle(silent)) },
          { when: /target 6: [\s\S]*saving the memory/, action: onHost(() => killInTheMiddle(objects, awayMs)) },
        ],
        captureLimitSeconds: 500,
      });
      const failed = [
        [wishOf(impostor), /host key/],
        [wishOf(expired), /expired/],
        [wishOf(small), /space|full/],
        [wishOf(stalling), /no byte|given up/],
        [wishOf(silent), /did not answer/],
      ] as const;
      checkCrash({ checks, folder, name: 'five servers that fail, and one that was away', crashed, dumps: objects.captures(), failed });
      checks.equal(objects.leftOvers(), [], 'the store holds no part of an upload that is over');
      checks.ok(/clock/.test(crashed.capture.console), 'the clock that stood at 1970 is set, and that is told');
      checks.equal([impostor.leftOvers(), expired.leftOvers()], [[], []], 'servers that are not trusted get nothing');
      judgeFull(checks, small.captures());
      for (const { server } of [stalling, silent]) server.goOn();
      await delay(tidyMs);
      judgeStalled(checks, 'stalled', stalling);
      judgeStalled(checks, 'silent', silent);

      const gone = await crashOnce(guest, {
        configuration: [impostor.target, objects.target, diskTarget, ...patience],
        before: [...setUp([]), { name: 'open', run: 'open_disk_dump' }],
        faults: [{ when: 'crash', action: { kind: 'cable', plugged: false } }],
        captureLimitSeconds: 400,
      });
      const last = await guest.boot({ steps: [{ name: 'open', run: 'open_disk_dump && kcapture list' }], collect: ['/disk/dump/crash'] });
      checkCrash({
        ...{ checks, folder, name: 'no cable', crashed: gone, dumps: last.file('/disk/dump/crash') },
        failed: [impostor, objects].map((receiver) => [wishOf(receiver), /carrier|link|cable|reach/i]),
      });
    }),
};

/** As a manifest names a target. */
function wishOf({ target }: { readonly target: string }): string {
  return target.replace(/^target /, '');
}

function judgeFull(checks: Checks, dumps: string): void {
  const captures = savedCaptures(dumps);
  checks.equal(captures.length, 1, 'full: there is one capture');
  // For a manifest there may be no room either: that of the next target tells.
  const { names } = checkLeftBehind(checks, 'full', captures[0]);
  checks.ok(names.includes('vmcore-dmesg.txt') && !names.includes('vmcore'), 'full: the log is there, and no whole dump', names.join());
  checks.ok(names.includes('vmcore-incomplete'), 'full: what there was room for is called incomplete', names.join());
}

function judgeStalled(checks: Checks, what: string, receiver: Receiver): void {
  const captures = savedCaptures(receiver.captures());
  const { names } = checkLeftBehind(checks, what, captures[0]);
  checks.ok(
    captures.length === 1 && names.includes('vmcore-dmesg.txt') && !names.some((name) => name === 'vmcore' || name === 'vmcore.flat'),
    `${what}: the log is there, and no whole dump`,
    names.join(),
  );
  const leftOvers = receiver.leftOvers();
  checks.equal(
    leftOvers.filter((name) => !name.endsWith('-incomplete')),
    [],
    `${what}: the server has put away what it had received`,
  );
}
