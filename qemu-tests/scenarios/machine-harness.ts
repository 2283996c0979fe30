/** Machines can fail: steps that fail, machines that end without a word, and each way in which a crash may end are told apart. */
import type { BootOptions } from '../machine/boot.ts';
import type { Fault } from '../machine/faults.ts';
import type { Machine } from '../machine/machine.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { QemuDied } from '../vm.ts';

export const machineHarness: Scenario = {
  name: 'machine-harness',
  kernels: ['6.1'],
  usesMachines: true,
  async run({ checks, machine }) {
    const guest = machine({ crashkernel: '64M', udev: false, disks: [{ name: 'spare', kind: 'empty', sizeMiB: 16 }] });
    await expectFailure(checks, guest, { steps: [{ name: 'wrong', run: 'exit 7' }] }, /failed at step number 2; the last step was "wrong"/);
    await expectFailure(
      checks,
      guest,
      { steps: [{ name: 'gone', run: 'busybox poweroff -f' }] },
      /ended without a verdict; the last step was "gone"/,
    );
    await expectFailure(checks, guest, { steps: [{ name: 'stuck', run: 'sleep 600' }], stepsLimitSeconds: 20 }, /still running after 20 s/);

    const endings = { reset: 'echo b >/proc/sysrq-trigger', 'power-off': 'busybox poweroff -f', 'time-limit': 'crash_now' };
    for (const [ending, crash] of Object.entries(endings)) {
      // Nothing is loaded: a crash leaves the machine standing still.
      const { capture } = await guest.boot({ steps: [], crash, captureLimitSeconds: 10 });
      checks.equal([capture.ending, capture.secondsToKernel, capture.panicked], [ending, undefined, false], `the end is seen: ${ending}`);
    }

    const faults: readonly Fault[] = [
      { when: 'crash', action: { kind: 'unplug', disk: 'nowhere' } },
      { when: /never said/, action: { kind: 'nmi' } },
    ];
    const unheard = { steps: [], crash: true, captureLimitSeconds: 5, faults };
    await expectFailure(checks, guest, unheard, /QEMU refused: Device 'device-nowhere' not found; the fault "nmi" never came/);

    const locked = await guest.boot({
      attach: { spare: 'read-only' },
      steps: [{ name: 'write', run: 'dd if=/dev/zero of="$(disk spare)" bs=4096 count=1 conv=fsync', exit: 1 }],
    });
    checks.ok(/read-only|not permitted/i.test(locked.output('write')), 'a disk can be plugged in read-only', locked.output('write'));
    const absent = await guest.boot({
      attach: { spare: 'absent' },
      steps: [{ name: 'look', run: 'grep -sx spare /sys/block/vd*/serial', exit: 1 }],
    });
    checks.equal(absent.status('look'), 1, 'a disk can be left out');
  },
};

async function expectFailure(checks: ScenarioContext['checks'], { boot }: Machine, options: BootOptions, message: RegExp): Promise<void> {
  const outcome = await boot(options).then(
    () => 'it passed',
    (error: Error) => {
      if (error instanceof QemuDied) throw error;
      return error.message;
    },
  );
  checks.ok(message.test(outcome), `it is an error of its own: ${message.source}`, outcome);
}
