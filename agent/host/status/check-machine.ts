/** The running kernel: has it memory set aside, can it do what is asked of it, will the capture kernel be loaded at the next boot? */
import { formatBytes } from '../../binary/units.ts';
import type { KernelConfigCheck } from '../../linux/kernel-config.ts';
import type { Check } from './check.ts';
import type { StatusFacts } from './facts.ts';

export function checkReservation({ kexec, wished, room }: StatusFacts): Check {
  const name = 'reserved';
  if (kexec.reservedBytes === undefined) {
    const hint = 'Start a kernel built with CONFIG_KEXEC_CORE and CONFIG_CRASH_DUMP';
    return { name, level: 'fail', text: 'this kernel cannot start a capture kernel: /sys/kernel/kexec_crash_size is not there', hint };
  }
  const { reservation, problem } = wished;
  if (kexec.reservedBytes > 0) {
    const parts = [`${formatBytes(kexec.reservedBytes)} for the capture kernel`, ...(reservation?.explanation ?? [])];
    if (room?.verdict !== 'low') return { name, level: 'ok', text: parts.join('; ') };
    const text = `${parts.join('; ')}: too little, a capture takes about ${formatBytes(room.needs.leastBytes)}`;
    return { name, level: 'warn', text, hint: `Reserve more: ${room.word}; kcapture estimate says where` };
  }
  const hint = 'See how much this machine needs and how to set it: kcapture estimate; then reboot';
  if (problem !== undefined) return { name, level: 'fail', text: `nothing: ${problem}`, hint };
  const asked = (reservation?.totalBytes ?? 0) > 0;
  if (!asked)
    return { name, level: 'fail', text: `nothing: ${reservation?.explanation.join('; ') || 'the command line has no crashkernel='}`, hint };
  const text = `nothing, though the command line asks for ${formatBytes(reservation?.totalBytes ?? 0)}: the kernel found no room for it or gave it back`;
  return { name, level: 'fail', text, hint: 'See what the kernel said: dmesg | grep -i crash; then try a smaller crashkernel=' };
}

export function checkPermission({ kexec, lockdown, record }: StatusFacts): readonly Check[] {
  const checks: Check[] = [];
  if (kexec.disabled) {
    const text = `loading kernels is forbidden until the next start (kernel.kexec_load_disabled = 1)${record === undefined ? '' : ': what is loaded stays'}`;
    checks.push({ name: 'permission', level: record === undefined ? 'fail' : 'note', text, hint: 'Load before it is set; then: reboot' });
  }
  if (kexec.attemptsLeft === 0 && record === undefined) {
    const text = 'no attempt to load a crash kernel is left (kernel.kexec_load_limit_panic = 0)';
    checks.push({ name: 'permission', level: 'fail', text, hint: 'reboot' });
  }
  if (lockdown.state !== undefined && lockdown.state !== 'none') {
    checks.push({ name: 'lockdown', level: 'note', text: `${lockdown.state}: the capture kernel must be signed` });
  }
  return checks;
}

export function checkKernels({ kernelConfigs: { crashing, capturing } }: StatusFacts): readonly Check[] {
  if (crashing.release === capturing.release) return [kernelCheck('kernel', mergeChecks(crashing, capturing))];
  return [kernelCheck('kernel', crashing), kernelCheck('capture kernel', capturing)];
}

function mergeChecks(first: KernelConfigCheck, second: KernelConfigCheck): KernelConfigCheck {
  const more = second.checks.filter(({ option }) => !first.checks.some((check) => check.option === option));
  return { ...first, checks: [...first.checks, ...more] };
}

function kernelCheck(name: string, { release, path, checks }: KernelConfigCheck): Check {
  if (path === undefined) return { name, level: 'note', text: `${release}: its configuration was not found, so it is not checked` };
  const missing = checks.filter(({ present }) => !present);
  const required = missing.filter(({ weight }) => weight === 'required');
  if (missing.length === 0) return { name, level: 'ok', text: `${release} has what is needed (${path})` };
  const first = required[0] ?? missing[0];
  const text = `${release} lacks ${missing.map(({ option }) => option).join(', ')}: ${first.without.replace(/\.$/, '')}`;
  if (required.length === 0) return { name, level: 'note', text };
  return {
    name,
    level: 'fail',
    text,
    hint: `Install a kernel built with ${required.map(({ option }) => option).join(', ')}, or name one with "kernel" in /etc/kcapture.conf`,
  };
}

export function checkProcessor({ missingCpuFlags }: StatusFacts): readonly Check[] {
  const name = 'processor';
  if (missingCpuFlags === undefined || missingCpuFlags.length === 0) return [];
  const text = `it lacks ${missingCpuFlags.join(', ')}: the executable may die in the capture kernel`;
  return [
    {
      name,
      level: 'fail',
      text,
      hint: 'On a virtual machine choose another CPU model (Nehalem or newer); else use makedumpfile with kdump',
    },
  ];
}

export function checkService({ service }: StatusFacts): readonly Check[] {
  const name = 'at boot';
  if (service === 'enabled') return [{ name, level: 'ok', text: 'kcapture.service loads the capture kernel' }];
  if (service === 'no-systemd') return [{ name, level: 'note', text: 'there is no systemd: let your init run "kcapture load"' }];
  if (service === 'absent') {
    return [{ name, level: 'warn', text: 'nothing loads the capture kernel after a reboot', hint: 'kcapture install' }];
  }
  const text = `kcapture.service is ${service}: after a reboot nothing is loaded`;
  const hint =
    service === 'masked' ? 'systemctl unmask kcapture.service && systemctl enable kcapture.service' : 'systemctl enable kcapture.service';
  return [{ name, level: 'warn', text, hint }];
}

export function checkPanicTimeout({ panicSeconds }: StatusFacts): readonly Check[] {
  if (panicSeconds !== 0) return [];
  const text = 'kernel.panic = 0: a panic whose capture kernel cannot be started leaves the machine standing still';
  return [{ name: 'panic', level: 'note', text, hint: 'sysctl -w kernel.panic=10, or for good: kcapture install --panic-on=oops' }];
}
