/** Streams: our flattened dump restored by makedumpfile, makedumpfile's by ours, and drgn on both as they are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.ts';
import type { Scenario } from '../scenario.ts';
import { checkDrgn } from '../verify/kept-pages.ts';
import { makedumpfileFor, runMakedumpfile } from '../verify/makedumpfile.ts';

export const flattened: Scenario = {
  name: 'flattened',
  kernels: ['6.12'],
  async run({ kernel, checks, executable, folder, crash }) {
    const cycle = await crash({
      rawDiskMiB: 4096,
      steps: [
        { name: 'stream', run: '/exe/kcapture dump -F -z /proc/vmcore - >/disk/stream' },
        { name: 'direct', run: '/exe/kcapture dump -z /proc/vmcore /disk/direct' },
        { name: 'raw', run: 'copy_raw' },
      ],
    });
    const raw = cycle.rawVmcore!;
    const [stream, direct] = [cycle.extract('stream'), cycle.extract('direct')];
    const witness = makedumpfileFor(kernel).argv;
    const [restored, theirStream, theirDirect, ours] = ['restored', 'their-stream', 'their-direct', 'ours'].map((name) =>
      join(folder, name),
    );

    command(['sh', '-c', 'in=$1; shift; exec "$@" <"$in"', 'sh', stream, ...witness, '-R', restored]);
    checks.ok(readFileSync(restored).equals(readFileSync(direct)), 'makedumpfile -R restores our stream to the bytes of the direct dump');
    command([executable, 'rearrange', stream, ours]);
    checks.ok(readFileSync(ours).equals(readFileSync(direct)), 'kcapture rearrange restores our stream to the same bytes');
    checkDrgn(checks, stream, raw, direct, 'our stream');

    runMakedumpfile(makedumpfileFor(kernel), ['-l', '-d', '31'], raw, theirDirect);
    command(['sh', '-c', 'out=$1; shift; exec "$@" >"$out" 2>/dev/null', 'sh', theirStream, ...witness, '-F', '-l', '-d', '31', raw]);
    command([executable, 'rearrange', '-f', theirStream, ours]);
    checks.ok(
      readFileSync(ours).equals(readFileSync(theirDirect)),
      "kcapture rearrange restores makedumpfile's stream to the bytes of its direct dump",
    );
  },
};
