/**
 * `kcapture install` on a running Debian with systemd and dracut: the units hold, the capture kernel is loaded at boot, and uninstalling leaves
 * every file of the system as it was. A CPU that goes off line has the capture kernel loaded anew.
 */
import { readFileSync } from 'node:fs';
import type { Scenario } from '../scenario.ts';

/** Below these the running system writes by itself. `/root` holds what the steps keep. */
const busy = ['/var/log', '/var/lib/systemd', '/var/tmp', '/tmp', '/root', '/var/lib/dbus'];
/** Path, kind, mode, owner and link target of everything, then the content of every file. */
const list = (name: string) => `
  set -- / -xdev '(' ${busy.map((path) => `-path ${path}`).join(' -o ')} ')' -prune -o
  find "$@" -printf '%p|%y|%#m|%U|%G|%l\\n' | sort >/root/${name}
  find "$@" -type f -print0 | sort -z | xargs -0 sha256sum >>/root/${name}`;

/** This kernel does not keep the list of CPUs in a loaded capture kernel by itself, so udev must have it loaded anew. */
const reloadOnHotPlug = `
  echo 0 >/sys/devices/system/cpu/cpu1/online
  tries=0
  until journalctl -b -u kcapture.service -o cat | grep -qx 'Loaded the same files again'; do
    tries=$((tries + 1))
    [ "$tries" -le 60 ] || return 1
    usleep 1000000
  done
  systemctl is-active kcapture.service`;

export const installScenario: Scenario = {
  name: 'install',
  kernels: ['6.1'],
  usesMachines: true,
  async run({ checks, machine }) {
    const guest = machine({ crashkernel: '256M', systemd: true });
    const first = await guest.boot({
      stepsLimitSeconds: 900,
      steps: [
        // The packed executable comes back after installing: making it takes minutes here.
        { name: 'set-aside', run: 'mv /usr/bin/kcapture /root/kcapture && mv /var/lib/kcapture /root/state' },
        { name: 'list-before', run: list('before') },
        { name: 'install', run: '/root/kcapture install --json --panic-on=oops' },
        { name: 'again', run: '/root/kcapture install --json --panic-on=oops' },
        { name: 'state', run: 'cp -a /root/state/payload-* /var/lib/kcapture/' },
        { name: 'verify', run: 'systemd-analyze verify --recursive-errors=one kcapture.service kcapture-recover.service' },
      ],
      collect: ['/root/before'],
    });
    const installed = JSON.parse(first.output('install'));
    checks.equal(installed.parts, ['systemd', 'udev', 'kernel-install', 'debian-kernels', 'dracut'], 'the parts of Debian are found');
    checks.equal(installed.notes, [], 'nothing stands against installing');
    checks.equal(JSON.parse(first.output('again')).written, [], 'installing again writes nothing');
    checks.equal(first.output('verify'), '', 'systemd finds nothing wrong with the units');

    const second = await guest.boot({
      stepsLimitSeconds: 900,
      steps: [
        { name: 'started', run: 'systemctl is-active kcapture.service', exit: 'any' },
        { name: 'journal', run: 'journalctl -b -u kcapture.service -o cat', exit: 'any' },
        { name: 'loaded', run: 'cat /sys/kernel/kexec_crash_loaded' },
        { name: 'hot-plug', run: reloadOnHotPlug },
        { name: 'panic-on', run: 'cat /proc/sys/kernel/panic_on_oops' },
        { name: 'uninstall', run: '/usr/bin/kcapture install --uninstall --json' },
        { name: 'unloaded', run: 'cat /sys/kernel/kexec_crash_loaded' },
        { name: 'units', run: 'systemctl list-unit-files "kcapture*" --no-legend', exit: 'any' },
        { name: 'list-after', run: list('after') },
      ],
      collect: ['/root/after'],
    });
    checks.equal(second.output('started').trim(), 'active', `the unit loads at boot:\n${second.output('journal')}`);
    checks.equal(second.output('loaded').trim(), '1', 'the capture kernel is loaded');
    checks.equal(second.output('panic-on').trim(), '1', 'the events that were asked for panic');
    checks.equal(JSON.parse(second.output('uninstall')).kept, [], 'uninstalling keeps nothing back');
    checks.equal(second.output('unloaded').trim(), '0', 'uninstalling unloads');
    checks.equal(second.output('units').trim(), '', 'systemd knows no unit of ours any more');
    const [before, after] = [first.file('/root/before'), second.file('/root/after')].map((path) => readFileSync(path, 'utf8').split('\n'));
    const [left, right] = [new Set(before), new Set(after)];
    checks.ok(before.length > 5000, 'the lists are those of a whole system', `${before.length} lines`);
    checks.equal(
      before.filter((line) => !right.has(line)),
      [],
      'everything that was there is there, unchanged',
    );
    checks.equal(
      after.filter((line) => !left.has(line)),
      [],
      'nothing else is there',
    );
  },
};
