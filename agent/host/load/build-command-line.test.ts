/** The capture kernel's command line on machines of several kinds. */
import t from 'tap';
import { buildCommandLine, type LineRequest } from './build-command-line.ts';
import { checkLineLength, commandLineLimit } from './check-line-length.ts';
import { bootCpuApicId, type MachineFacts } from './machine-facts.ts';
import { identifyKernel } from '../../linux/kernel-image.ts';
import { buildArm64Image, buildBzImage } from '../../testing/build-kernel-image.ts';

const x86: MachineFacts = {
  machine: 'x86_64',
  bootCpuApicId: 0,
  fiveLevel: false,
  warningWatchdogs: [],
  hasHpWatchdog: false,
  isGraviton: false,
};
const arm: MachineFacts = { ...x86, machine: 'aarch64', bootCpuApicId: undefined };
const noWish = { replace: undefined, remove: [], append: undefined };

function build(request: Partial<LineRequest>): string[] {
  return buildCommandLine({ running: '', facts: x86, wish: noWish, imageWords: [], ...request }).text.split(' ');
}

t.test('what would hurt is left out, what is needed stays', async (t) => {
  const running =
    'BOOT_IMAGE=(hd0,gpt2)/vmlinuz root=UUID=1 ro rootflags=subvol=@ rd.luks.uuid=2 rd.luks.options=discard crashkernel=2G-:256M quiet splash ' +
    'hugepages=100 log-buf-len=16M sysctl.vm.nr_hugepages=3 panic_on_warn=1 console=tty0 console=ttyS0,115200 net.ifnames=0 kcapture.level=1 panic=0 nr_cpus=64';
  const words = build({ running });
  t.same(words.slice(0, 5), ['ro', 'console=tty0', 'console=ttyS0,115200', 'net.ifnames=0', 'kcapture.level=1']);
  t.ok(words.includes('panic=10') && !words.includes('panic=0'), 'ours replaces theirs');
  t.ok(words.includes('nr_cpus=1') && !words.includes('nr_cpus=64'));
  t.ok(words.includes('rootfstype=ramfs'));
});

t.test('every change has a reason', async (t) => {
  const line = buildCommandLine({ running: 'quiet crashkernel=1M', facts: x86, wish: noWish, imageWords: ['root=kcapture'] });
  t.same(line.removed, [
    { word: 'quiet', reason: 'messages are wanted on the console' },
    { word: 'crashkernel=1M', reason: 'nothing is reserved inside the reservation' },
  ]);
  t.ok(line.added.every(({ reason }) => reason.length > 5));
});

t.test('words behind -- belong to init and go', async (t) => {
  const words = build({ running: 'console=ttyS0 rdinit=/weird -- --option value' });
  t.equal(words[0], 'console=ttyS0');
  t.notOk(words.some((word) => ['--', '--option', 'value', 'rdinit=/weird'].includes(word)));
});

t.test('x86 and arm64 get their own words', async (t) => {
  const [one, other] = [build({}), build({ facts: arm })];
  t.ok(one.includes('disable_cpu_apicid=0') && one.includes('nokaslr') && !one.includes('swiotlb=noforce'));
  t.ok(other.includes('swiotlb=noforce') && other.includes('irqpoll'));
  t.notOk(other.some((word) => word.startsWith('disable_cpu_apicid') || word === 'mce=off' || word === 'nokaslr'));
  t.notOk(build({ facts: { ...arm, isGraviton: true } }).includes('irqpoll'));
});

t.test('watchdogs reset and do not panic', async (t) => {
  const words = build({ facts: { ...x86, warningWatchdogs: ['iTCO_wdt', 'hpwdt'], hasHpWatchdog: true } });
  for (const word of ['iTCO_wdt.pretimeout=0', 'hpwdt.pretimeout=0', 'hpwdt.kdumptimeout=0']) t.ok(words.includes(word), word);
});

t.test("the image's root word is enough", async (t) => {
  const words = build({ running: 'root=/dev/sda', imageWords: ['root=kcapture'] });
  t.same(
    words.filter((word) => word.startsWith('root')),
    ['root=kcapture'],
  );
});

t.test('the administrator has the last word', async (t) => {
  const wish = { replace: undefined, remove: ['irqpoll', 'net.ifnames'], append: 'nr_cpus=4 panic=30 x="a b"' };
  const words = build({ running: 'net.ifnames=0 ro', wish });
  t.same(words.slice(-4), ['nr_cpus=4', 'panic=30', 'x="a', 'b"']);
  t.notOk(words.includes('irqpoll') || words.includes('net.ifnames=0') || words.includes('nr_cpus=1') || words.includes('panic=10'));
});

t.test('a line given whole gains only what the image cannot do without', async (t) => {
  const whole = (replace: string, imageWords: string[] = []) =>
    buildCommandLine({ running: 'a b c', facts: x86, wish: { ...noWish, replace, append: 'z' }, imageWords }).text;
  t.equal(whole('console=ttyS0 quiet'), 'console=ttyS0 quiet rootfstype=ramfs z');
  t.equal(whole('console=ttyS0 root=mine'), 'console=ttyS0 root=mine z');
  t.equal(whole('console=ttyS0', ['root=kcapture']), 'console=ttyS0 root=kcapture z');
});

t.test('checkLineLength() knows the limit of each kind of kernel', async (t) => {
  const bzImage = identifyKernel(buildBzImage(), 'k');
  const arm64 = identifyKernel(buildArm64Image(), 'k');
  t.equal(commandLineLimit(bzImage), 2047 - 61 - 1);
  t.equal(commandLineLimit(arm64), 2047);
  t.equal(commandLineLimit({ ...bzImage, commandLineBytes: 4095 }), 4095 - 62);
  t.doesNotThrow(() => checkLineLength('x'.repeat(1985), bzImage));
  t.throws(() => checkLineLength('x'.repeat(1986), bzImage), { code: 'load/line-too-long' });
  t.throws(() => checkLineLength('é'.repeat(1024), arm64), { code: 'load/line-too-long' }, 'bytes count, not characters');
});

t.test('bootCpuApicId() finds processor 0', async (t) => {
  const block = (processor: number, apic: number, initial: string) => `processor\t: ${processor}\napicid\t\t: ${apic}\n${initial}\n\n`;
  t.equal(bootCpuApicId(block(1, 9, 'initial apicid\t: 9') + block(0, 4, 'initial apicid\t: 5')), 5);
  t.equal(bootCpuApicId(block(0, 4, '')), 4);
  t.equal(bootCpuApicId(block(10, 4, '')), undefined);
  t.equal(bootCpuApicId(''), undefined);
});
