/**
 * Time of the filter alone, a page, on this machine: the first scan of a fresh process as in a capture, then the best of several.
 *
 *     bun agent/testing/bench-scan.ts VMCORE [LEVEL]
 *
 * With makedumpfile beside it, when it is installed and knows the kernel.
 */
import { spawnSync } from 'node:child_process';
import { openTranslator } from '../address/open-translator.ts';
import { VirtualMemory } from '../address/virtual-memory.ts';
import { scanPages } from '../classify/scan.ts';
import { createBunSystem } from '../sys/bun-system.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';

const [path, level = '31'] = process.argv.slice(2);
if (path === undefined) throw new Error('Cannot measure: name a vmcore');

const times: number[] = [];
let pages = 0;
for (let run = 0; run < 10; run++) {
  const memory = openElfMemory(createBunSystem().openFile(path));
  const info = parseVmcoreinfo(memory.vmcoreinfoText);
  const start = performance.now();
  const virtual = new VirtualMemory(memory, openTranslator(memory, info));
  pages = scanPages({ memory, info, virtual, level: Number(level) }).counts.original;
  times.push(performance.now() - start);
  memory.close();
}
report('first scan', times[0]);
report('best scan', Math.min(...times));

const steps: number[] = [];
for (let run = 0; run < 5; run++) {
  const { stdout } = spawnSync('makedumpfile', ['-d', level, '--dry-run', '--message-level', '16', path, '/nonexistent'], {
    encoding: 'utf8',
  });
  const step = /Excluding unnecessary pages\] : ([0-9.]+) seconds/.exec(stdout ?? '');
  if (step !== null) steps.push(Number(step[1]) * 1000);
}
if (steps.length > 0) report('makedumpfile', Math.min(...steps));

function report(name: string, ms: number): void {
  console.log(
    `${name.padEnd(14)} ${ms.toFixed(1).padStart(8)} ms  ${((ms * 1e6) / pages).toFixed(1).padStart(6)} ns a page, ${pages} pages`,
  );
}
