/** Every codec and ELF, written by the capture kernel and opened by `crash`, drgn and libkdumpfile. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { complaints, crashPrograms, crashSession, vmlinux, withoutFileName } from '../verify/crash-session.ts';
import { checkDrgn, checkKeptPages } from '../verify/kept-pages.ts';
import { dumpOnHost } from '../verify/our-dump.ts';

const codecs = { zstd: '-z', lzo: '-l', zlib: '-c', snappy: '-p' } as const;

export const codecsScenario: Scenario = {
  name: 'codecs',
  kernels: ['6.1'],
  async run(context) {
    const { checks, executable, folder } = context;
    const cycle = await context.crash({
      rawDiskMiB: 4096,
      steps: [
        ...Object.entries(codecs).map(([name, option]) => ({ name, run: `/exe/kcapture dump ${option} /proc/vmcore /disk/${name}` })),
        { name: 'elf', run: '/exe/kcapture dump -E -d 31 /proc/vmcore /disk/elf' },
        { name: 'raw', run: 'copy_raw' },
      ],
    });
    const raw = cycle.rawVmcore!;
    const dumps = Object.fromEntries(Object.keys(codecs).map((name) => [name, cycle.extract(name)]));
    for (const [name, dump] of Object.entries(dumps)) {
      checkKeptPages(checks, dump, raw, name);
      checkDrgn(checks, dump, raw, dump, name);
    }
    const elf = cycle.extract('elf');
    checkDrgn(checks, elf, raw, dumps.zstd, 'elf', true);
    checkCrash(context, { ...dumps, elf }, raw);

    const full = join(folder, 'level-0');
    dumpOnHost(executable, ['-l', '-d', '0'], raw, full);
    dumpOnHost(executable, ['-z', '-d', '31'], full, join(folder, 'filtered-again'));
    const filteredAgain = readFileSync(join(folder, 'filtered-again'));
    checks.ok(
      filteredAgain.equals(readFileSync(dumps.zstd)),
      'a level 0 dump filtered again at level 31 is the direct dump, byte for byte',
    );
  },
};

function checkCrash({ kernel, checks }: ScenarioContext, dumps: Readonly<Record<string, string>>, raw: string): void {
  const symbols = vmlinux(kernel);
  for (const program of crashPrograms()) {
    const expected = crashSession(program, symbols, raw);
    checks.ok(
      /sysrq_handle_crash/.test(expected.get('bt') ?? ''),
      `${program.name} understands this kernel: the raw vmcore's bt names sysrq_handle_crash`,
    );
    for (const [name, dump] of Object.entries(dumps)) {
      const session = crashSession(program, symbols, dump);
      checks.equal(complaints(session), [], `${name}: ${program.name} has nothing to complain about`);
      for (const [line, text] of session) {
        checks.ok(
          text.trim() !== '' && withoutFileName(text) === withoutFileName(expected.get(line) ?? ''),
          `${name}: ${program.name}: ${line} says what it says of the raw vmcore`,
          text,
        );
      }
    }
  }
}
