/** Every syntax of crashkernel=, what it reserves on machines of many sizes, and where reading stops when it is wrong. */
import t from 'tap';
import { GiB, MiB } from '../binary/units.ts';
import { parseCommandLine } from './command-line.ts';
import { parseCrashkernel } from './crashkernel.ts';
import { crashkernelWords, reservationFor, tryReservation } from './crashkernel-reservation.ts';
import { LinuxError } from './linux-error.ts';

const KiB = 1024;

t.test('parseCrashkernel() reads every syntax', async (t) => {
  t.same(parseCrashkernel('256M'), { kind: 'size', text: '256M', sizeBytes: 256 * MiB, offsetBytes: undefined });
  t.same(parseCrashkernel('64M@16M'), { kind: 'size', text: '64M@16M', sizeBytes: 64 * MiB, offsetBytes: 16 * MiB });
  t.same(parseCrashkernel('512M,high'), { kind: 'high', text: '512M,high', sizeBytes: 512 * MiB });
  t.same(parseCrashkernel('0,low'), { kind: 'low', text: '0,low', sizeBytes: 0 });
  t.same(parseCrashkernel('1G,cma'), { kind: 'cma', text: '1G,cma', sizeBytes: GiB });
  t.same(parseCrashkernel('auto'), { kind: 'auto', text: 'auto' });
  t.same(parseCrashkernel('2G-4G:192M,4G-:256M@32M'), {
    kind: 'ranges',
    text: '2G-4G:192M,4G-:256M@32M',
    ranges: [
      { fromBytes: 2 * GiB, toBytes: 4 * GiB, sizeBytes: 192 * MiB },
      { fromBytes: 4 * GiB, toBytes: undefined, sizeBytes: 256 * MiB },
    ],
    offsetBytes: 32 * MiB,
  });
});

t.test('parseCrashkernel() reads numbers as the kernel does', async (t) => {
  const sizes: readonly (readonly [string, number])[] = [
    ['65536', 65536],
    ['100k', 100 * KiB],
    ['100K', 100 * KiB],
    ['1g', GiB],
    ['1T', 1024 * GiB],
    ['1P', 1024 * 1024 * GiB],
    ['0x10000000', 256 * MiB],
    ['0400M', 256 * MiB],
    ['0', 0],
  ];
  for (const [text, bytes] of sizes) t.match(parseCrashkernel(text), { kind: 'size', sizeBytes: bytes }, text);
});

t.test('parseCrashkernel() names the place and what was expected there', async (t) => {
  const faults: readonly (readonly [string, number, string])[] = [
    ['', 1, 'a size'],
    ['foo', 1, 'a size'],
    ['M', 1, 'a size'],
    ['-1', 1, 'a size'],
    ['256MB', 5, 'the end'],
    ['256M@', 6, 'an address'],
    ['256M@16M,high', 5, '",high"'],
    ['256M,hi', 5, '",high"'],
    ['256M, high', 5, '",high"'],
    ['1024M,512M', 6, '",high"'],
    ['2G:256M', 3, '"-"'],
    ['2G-4G', 3, 'the end'],
    ['4G-2G:256M', 4, 'above the lower'],
    ['4G-4G:256M', 4, 'above the lower'],
    ['2G-4G:', 7, 'a size'],
    ['2G-4G:256M,', 12, 'the lower bound'],
    ['2G-4G:256M,4G:1G', 14, '"-"'],
    ['2G-4G:256M.4G-64G:320M', 11, 'the end'],
    ['2G-x:256M', 4, 'the upper bound'],
    ['099M', 1, 'octal'],
    ['8E', 1, 'less than'],
    ['18446744073709551616', 1, 'less than'],
    ['auto,high', 1, 'a size'],
  ];
  for (const [text, position, wanted] of faults) {
    const error = t.throws(() => parseCrashkernel(text), { code: 'linux/crashkernel' }, text) as unknown as Error;
    t.match(error.message, `at character ${position}`, `${text}: ${error.message}`);
    t.ok(error.message.includes(wanted), `${text}: ${error.message}`);
  }
});

t.test('parseCrashkernel() gives an error or an answer for every cut and every changed character', async (t) => {
  const good = ['2G-4G:192M,4G-64G:256M,64G-:512M@16M', '0x100M,high', '256M@16M', '1G,cma'];
  let runs = 0;
  for (const text of good) {
    const variants = [...text].flatMap((_, at) => [
      text.slice(0, at),
      ...[',', '@', ':', '-', 'M', '9', ' ', '\0', 'é'].map((char) => text.slice(0, at) + char + text.slice(at + 1)),
    ]);
    for (const variant of variants) {
      runs++;
      try {
        parseCrashkernel(variant);
      } catch (error) {
        if (!(error instanceof LinuxError)) t.fail(`${JSON.stringify(variant)}: ${error}`);
      }
    }
  }
  t.ok(runs > 500);
});

function reserve(line: string, memoryBytes: number, machine = 'x86_64') {
  return reservationFor(crashkernelWords(parseCommandLine(line)), { memoryBytes, machine });
}

t.test('reservationFor() takes the range that holds the memory: lower bound inclusive, upper exclusive, in any order', async (t) => {
  const line = 'crashkernel=4G-64G:256M,2G-4G:192M,64G-1T:512M,1T-:12345M';
  const cases: readonly (readonly [number, number])[] = [
    [1, 0],
    [2, 192],
    [4, 256],
    [63, 256],
    [64, 512],
    [1024, 12345],
    [64 * 1024, 12345],
  ];
  for (const [gib, mib] of cases) t.equal(reserve(line, gib * GiB).totalBytes, mib * MiB, `${gib} GiB`);
});

t.test('reservationFor() rounds the memory up to 128 MiB before it looks at the ranges, as newer kernels do', async (t) => {
  t.equal(reserve('crashkernel=2G-4G:192M', 2 * GiB - 100 * MiB).totalBytes, 192 * MiB);
  t.equal(reserve('crashkernel=2G-4G:192M', 2 * GiB - 129 * MiB).totalBytes, 0);
  t.equal(reserve('crashkernel=2G-4G:192M', 4 * GiB - 100 * MiB).totalBytes, 0, 'and so out of the upper bound');
});

t.test('reservationFor() reserves nothing when a size before the matching range cannot be', async (t) => {
  const { totalBytes, explanation } = reserve('crashkernel=8G-:8G,1G-8G:256M', 4 * GiB);
  t.equal(totalBytes, 0);
  t.match(explanation[0], /8\.00 GiB is not less than/);
  t.equal(reserve('crashkernel=1G-8G:256M,8G-:8G', 4 * GiB).totalBytes, 256 * MiB, 'behind it nobody looks');
  t.equal(reserve('crashkernel=4G', 4 * GiB).totalBytes, 0);
  t.equal(reserve('crashkernel=0', 4 * GiB).totalBytes, 0);
});

t.test('reservationFor() knows which of several words counts', async (t) => {
  t.equal(reserve('crashkernel=128M crashkernel=256M', 4 * GiB).totalBytes, 256 * MiB, 'the last');
  const mixed = reserve('crashkernel=256M crashkernel=512M,high crashkernel=72M,low', 8 * GiB);
  t.equal(mixed.totalBytes, 256 * MiB, 'a plain one wins over high and low');
  t.equal(mixed.explanation.filter((line) => line.includes('does not count')).length, 2);
  t.match(reserve('crashkernel=512M,high', 8 * GiB), { mainBytes: 512 * MiB, lowBytes: 256 * MiB, totalBytes: 768 * MiB });
  t.match(reserve('crashkernel=512M,high', 8 * GiB, 'aarch64'), { mainBytes: 512 * MiB, lowBytes: 128 * MiB });
  t.match(reserve('crashkernel=512M,high crashkernel=72M,low', 8 * GiB), { lowBytes: 72 * MiB, totalBytes: 584 * MiB });
  t.match(reserve('crashkernel=512M,high crashkernel=0,low', 8 * GiB), { lowBytes: 0, totalBytes: 512 * MiB });
  t.equal(reserve('crashkernel=72M,low', 8 * GiB).totalBytes, 0, 'low alone reserves nothing');
  t.match(reserve('crashkernel=128M crashkernel=1G,cma', 8 * GiB), { totalBytes: 128 * MiB, cmaBytes: GiB });
  t.match(reserve('crashkernel=1G,cma', 8 * GiB), { totalBytes: 0, cmaBytes: 0 });
  t.match(reserve('quiet', 8 * GiB), { totalBytes: 0 });
});

t.test('reservationFor() explains auto', async (t) => {
  const { totalBytes, explanation } = reserve('crashkernel=auto', 16 * GiB);
  t.equal(totalBytes, 192 * MiB);
  t.match(explanation[0], /RHEL 8.*1G-4G:160M/);
  t.equal(reserve('crashkernel=auto', 16 * GiB, 'riscv64').totalBytes, 0);
});

t.test('tryReservation() gives the reading error instead of throwing it', async (t) => {
  t.match(tryReservation(parseCommandLine('crashkernel=huge'), { memoryBytes: GiB, machine: 'x86_64' }), {
    problem: { code: 'linux/crashkernel' },
  });
});
