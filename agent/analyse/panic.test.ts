import t from 'tap';
import { findPanic } from './panic.ts';

/** Gives lines the columns of a log. */
function log(text: string, callers = true): string {
  const lines = text.trim().split('\n');
  return `${lines.map((line, i) => `[   ${12 + i}.345678] ${callers ? '[    T148] ' : ''}${line}`).join('\n')}\n`;
}

const boot =
  'Linux version 6.12.0\nCommand line: root=/dev/vda panic_on_oops=1\nBUG: an unlikely early line\n---[ end trace 0000000000000000 ]---\n';

const sysrq = `${boot}sysrq: Trigger a crash
Kernel panic - not syncing: sysrq triggered crash
CPU: 0 UID: 0 PID: 148 Comm: my shell Kdump: loaded Tainted: G           O       6.12.0-amd64 #1 Debian
Hardware name: QEMU Standard PC
Call Trace:
 <TASK>
 dump_stack_lvl+0x5d/0x80
 panic+0x118/0x2db
 ? _printk+0x6c/0x87
 sysrq_handle_crash+0x1a/0x20
 </TASK>
RIP: 0033:0x7f0000001234
Code: 00 00`;

t.test('a panic that was asked for is its own reason', async (t) => {
  for (const callers of [true, false]) {
    const panic = findPanic(log(sysrq, callers));
    t.same(panic, {
      line: 'Kernel panic - not syncing: sysrq triggered crash',
      lineIndex: 5,
      kind: 'panic',
      seconds: 17.345678,
      trace: ['dump_stack_lvl+0x5d/0x80', 'panic+0x118/0x2db', '? _printk+0x6c/0x87', 'sysrq_handle_crash+0x1a/0x20'],
      cpu: 0,
      pid: 148,
      comm: 'my shell',
      tainted: 'Tainted: G           O       6.12.0-amd64 #1 Debian',
      hardware: 'QEMU Standard PC',
    });
  }
});

const oops = `${boot}BUG: kernel NULL pointer dereference, address: 0000000000000010
#PF: supervisor read access in kernel mode
Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI
CPU: 3 PID: 77 Comm: kworker/3:1 Not tainted 6.12.0 #1
RIP: 0010:bad_driver_work+0x12/0x40 [bad]
Call Trace:
 <TASK>
 process_one_work+0x174/0x330
 worker_thread+0x266/0x3a0
 ? __pfx_worker_thread+0x10/0x10
 </TASK>
Modules linked in: bad(O)`;

t.test('an oops that went straight to the capture kernel is found at its first line', async (t) => {
  const panic = findPanic(log(oops));
  t.equal(panic?.line, 'BUG: kernel NULL pointer dereference, address: 0000000000000010');
  t.equal(panic?.panicLine, undefined);
  t.equal(panic?.instruction, 'RIP: 0010:bad_driver_work+0x12/0x40 [bad]');
  t.same([panic?.cpu, panic?.pid, panic?.comm, panic?.tainted], [3, 77, 'kworker/3:1', 'Not tainted']);
  t.equal(panic?.trace.length, 3);
});

t.test('a panic that only reports an oops gives way to it', async (t) => {
  const panic = findPanic(log(`${oops}\n---[ end trace 0000000000000000 ]---\nKernel panic - not syncing: Fatal exception`));
  t.equal(panic?.line, 'BUG: kernel NULL pointer dereference, address: 0000000000000010');
  t.equal(panic?.panicLine, 'Kernel panic - not syncing: Fatal exception');
});

t.test('the last of several reports counts', async (t) => {
  const text = `${oops}\n---[ end trace 0000000000000000 ]---\nhours later\ngeneral protection fault, probably for non-canonical address 0xdead: 0000 [#2] SMP`;
  t.equal(findPanic(log(text))?.kind, 'fault');
  t.equal(findPanic(log(text))?.lineIndex, 18);
});

const openings: readonly (readonly [line: string, kind: string])[] = [
  ['kernel BUG at mm/slub.c:4024!', 'bug'],
  ['BUG: unable to handle page fault for address: ffffa1b2c3d4e5f6', 'bug'],
  ['BUG: unable to handle kernel paging request at ffffa1b2c3d4e5f6', 'bug'],
  ['general protection fault: 0000 [#1] SMP', 'fault'],
  ['traps: PANIC: double fault, error_code: 0x0', 'fault'],
  ['divide error: 0000 [#1] SMP', 'oops'],
  ['Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000', 'fault'],
  ['Internal error: Oops - BUG: 00000000f2000800 [#1] SMP', 'oops'],
  ['Oops: 0002 [#1] SMP', 'oops'],
  ['watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [cat:99]', 'lockup'],
  ['BUG: soft lockup - CPU#1 stuck for 22s! [cat:99]', 'lockup'],
  ['NMI watchdog: Watchdog detected hard LOCKUP on cpu 2', 'lockup'],
  ['watchdog: Watchdog detected hard LOCKUP on cpu 2', 'lockup'],
  ['rcu: INFO: rcu_preempt self-detected stall on CPU', 'lockup'],
  ['INFO: task jbd2/vda1-8:312 blocked for more than 120 seconds.', 'hung-task'],
  ['Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100', 'panic'],
  ['Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)', 'panic'],
  ['Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled', 'panic'],
];

for (const [line, kind] of openings) {
  t.test(`"${line}" is found`, async (t) => {
    const found = findPanic(log(`Linux version 4.19.0\n${line}\nModules linked in:`));
    t.equal(found?.line, line);
    t.equal(found?.kind, kind);
    t.equal(found?.lineIndex, 1);
  });
}

t.test('panics of the watchdogs name what hung', async (t) => {
  const hung = 'INFO: task dd:9 blocked for more than 120 seconds.\n      Not tainted 6.1.0\nNMI backtrace for cpu 0\n';
  const found = findPanic(log(`${hung}Kernel panic - not syncing: hung_task: blocked tasks\nCPU: 0 PID: 30 Comm: khungtaskd Not tainted`));
  t.equal(found?.line, 'INFO: task dd:9 blocked for more than 120 seconds.');
  t.equal(found?.panicLine, 'Kernel panic - not syncing: hung_task: blocked tasks');
  const warned = 'WARNING: CPU: 1 PID: 5 at net/core/dev.c:10 foo+0x1/0x2\nKernel panic - not syncing: kernel: panic_on_warn set ...\n';
  t.equal(findPanic(log(warned))?.kind, 'warning');
});

t.test('reports close to each other stay apart', async (t) => {
  const text = 'INFO: task a:1 blocked for more than 120 seconds.\nINFO: task b:2 blocked for more than 120 seconds.\n';
  t.equal(findPanic(log(text))?.lineIndex, 1);
  const bug = 'BUG: scheduling while atomic: cat/9/0x2\nkernel BUG at mm/slub.c:1!\nOops: invalid opcode: 0000 [#1] SMP\n';
  t.equal(findPanic(log(bug))?.line, 'kernel BUG at mm/slub.c:1!');
});

t.test('an arm64 report', async (t) => {
  const text = `Unable to handle kernel paging request at virtual address ffff800008000000
Mem abort info:
Internal error: Oops: 0000000096000007 [#1] SMP
CPU: 2 PID: 410 Comm: modprobe Tainted: G        W         6.1.0
pstate: 60400005 (nZCv daif +PAN -UAO)
pc : probe_it+0x24/0x60 [it]
lr : probe_it+0x1c/0x60 [it]
Call trace:
 probe_it+0x24/0x60 [it]
 do_one_initcall+0x50/0x1d0
 el0t_64_sync+0x18c/0x190
Code: f9000fe0 d5384100
Kernel panic - not syncing: Oops: Fatal exception`;
  const panic = findPanic(log(text));
  t.equal(panic?.line, 'Unable to handle kernel paging request at virtual address ffff800008000000');
  t.equal(panic?.instruction, 'pc : probe_it+0x24/0x60 [it]');
  t.equal(panic?.trace.length, 3);
  t.equal(panic?.comm, 'modprobe');
});

t.test('a log without trouble tells of none', async (t) => {
  t.equal(findPanic(log('Linux version 6.1.0\nRunning as PID 1\nMemory: 2 GiB')), undefined);
  t.equal(findPanic(''), undefined);
  t.equal(findPanic(new Uint8Array(1000).fill(0xff)), undefined);
});

t.test('a very long log of troubles takes no long time', async (t) => {
  const line = '[    1.000000] INFO: task x:1 blocked for more than 120 seconds.\n';
  t.ok(findPanic(line.repeat(200_000)));
  t.equal(findPanic(`[${' '.repeat(100_000)}`), undefined);
});
