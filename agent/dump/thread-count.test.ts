import t from 'tap';
import { createNodeSystem } from '../testing/node-system.ts';
import { threadCount } from './thread-count.ts';

const kibOfMib = 1024;

const system = await createNodeSystem();

function systemWith(processors: number, availableKib: number | undefined) {
  const meminfo = availableKib === undefined ? undefined : `MemTotal: 9999999 kB\nMemAvailable: ${availableKib} kB\n`;
  return {
    ...system,
    kernel: { ...system.kernel, onlineCpus: () => processors },
    files: { ...system.files, readTextIfThere: (path: string) => (path === '/proc/meminfo' ? meminfo : undefined) },
  };
}

t.test('one thread for each processor, as far as memory goes', (t) => {
  for (const [processors, available, expected] of [
    [1, 8192, 1],
    [2, 8192, 2],
    [64, 8192, 64],
    [16, 200, 5],
    [16, 100, 3],
    [16, 40, 1],
    [16, 0, 1],
    [16, undefined, 16],
  ] as const) {
    const machine = systemWith(processors, available === undefined ? undefined : available * kibOfMib);
    t.equal(threadCount(machine, undefined), expected, `${processors} processors, ${available ?? 'unknown'} MiB`);
    t.equal(threadCount(machine, 7), 7, 'as wished');
  }
  t.end();
});
