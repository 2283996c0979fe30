/**
 * Finds the smallest reservation with which an image of the unattended scenarios saves a whole capture, and shows what filled the memory there.
 *
 * `npm run qemu:bisect -- own-image [LEAST [MOST]]`, in MiB. The image is made once; each size costs one boot and one crash of the same machine.
 */
import { join } from 'node:path';
import { findKernel } from './kernels.ts';
import type { Boot } from './machine/boot.ts';
import { createMachine, type Machine } from './machine/machine.ts';
import { dumpDisk, unattendedConfiguration, type UnattendedImage, unattendedImages } from './scenarios/unattended.ts';

const stepMiB = 4;
const executable = process.env.KCAPTURE_EXECUTABLE ?? join(import.meta.dirname, '../dist/kcapture');
/** Runs in the capture kernel when all is saved. */
const afterHook = '/usr/local/sbin/memory-left';
const hookText = '#!/bin/sh\nexec >/dev/console\necho "bisect: begin"\ncat /proc/meminfo\necho "bisect: end"\n';
const shown = [
  'MemTotal',
  'MemFree',
  'MemAvailable',
  'Cached',
  'AnonPages',
  'Mapped',
  'Slab',
  'SUnreclaim',
  'KernelStack',
  'PageTables',
  'Percpu',
];

type Attempt = { readonly works: boolean; readonly text: string };

const [name = '', least = '96', most = '256'] = process.argv.slice(2);
const image = unattendedImages.find((row) => row.name === name);
if (image === undefined) {
  console.error(`Cannot bisect "${name}": expected one of ${unattendedImages.map((row) => row.name).join(', ')}`);
  process.exit(2);
}
await bisect(image, Number(least), Number(most));

async function bisect(row: UnattendedImage, leastMiB: number, mostMiB: number): Promise<void> {
  const folder = join(import.meta.dirname, '../dist/qemu', `bisect-${row.name}`);
  const machine = createMachine({ kernel: findKernel('6.1'), executable, folder, disks: [dumpDisk] });
  await makeImage(machine, row, mostMiB);
  let [fails, works] = [leastMiB - stepMiB, mostMiB];
  const first = await attempt(machine, mostMiB);
  if (!first.works) return console.log(`${row.name} does not work with ${mostMiB} MiB either`);
  while (works - fails > stepMiB) {
    const middle = fails + Math.round((works - fails) / 2 / stepMiB) * stepMiB;
    if ((await attempt(machine, middle)).works) works = middle;
    else fails = middle;
  }
  console.log(`${row.name}: crashkernel=${works}M is the least that works; ${fails}M does not`);
}

async function makeImage({ boot }: Machine, row: UnattendedImage, sizeMiB: number): Promise<void> {
  const made = await boot({
    crashkernel: `${sizeMiB}M`,
    stepsLimitSeconds: 900,
    files: { '/etc/kcapture.conf': `${unattendedConfiguration(row)}kdump_post ${afterHook}\n`, [afterHook]: hookText },
    steps: [
      { name: 'install', run: `chmod 755 ${afterHook} && kcapture install` },
      { name: 'load', run: 'kcapture load' },
      { name: 'size', run: 'ls -l /var/lib/kcapture/*.img' },
    ],
  });
  console.log(`image: ${made.output('size').trim()}; made and loaded in ${made.stepSeconds.get('load')?.toFixed(0)} s`);
}

async function attempt({ boot }: Machine, sizeMiB: number): Promise<Attempt> {
  const result = await boot({
    crashkernel: `${sizeMiB}M`,
    steps: [{ name: 'load', run: 'kcapture load' }],
    crash: true,
    captureLimitSeconds: 300,
  }).then(judge, (error: Error) => ({ works: false, text: `does not load: ${error.message.split('\n')[0]}` }));
  console.log(`${sizeMiB} MiB: ${result.works ? 'works' : 'fails'}: ${result.text}`);
  return result;
}

function judge({ capture }: Boot): Attempt {
  const { console: text, ending, seconds, secondsToAgent } = capture;
  const again = /the capture died with status \d+.*/.exec(text)?.[0];
  const works = ending === 'reset' && again === undefined && /^kcapture \[ *[\d.]+\] complete: /m.test(text);
  if (works) return { works, text: `${seconds.toFixed(0)} s, kcapture after ${secondsToAgent?.toFixed(0)} s\n  ${memoryLeft(text)}` };
  const reasons = [/Initramfs unpacking failed.*/, /Out of memory.*|oom-kill.*/i, /^\[ *[\d.]+\] Kernel panic.*/m].map(
    (pattern) => pattern.exec(text)?.[0],
  );
  const why = [again, ...reasons].filter((reason) => reason !== undefined).join('; ');
  return { works, text: `${ending} after ${seconds.toFixed(0)} s; ${why === '' ? text.trim().split('\n').at(-1) : why}` };
}

/** From the hook's output; in MiB. */
function memoryLeft(text: string): string {
  const section = /bisect: begin\n(.*?)bisect: end/s.exec(text.replaceAll('\r', ''))?.[1] ?? '';
  const values = shown.map((key) => [key, Number(new RegExp(`^${key}: +(\\d+) kB`, 'm').exec(section)?.[1])] as const);
  return values.map(([key, kilobytes]) => `${key} ${Math.round(kilobytes / 1024)}`).join(', ');
}
