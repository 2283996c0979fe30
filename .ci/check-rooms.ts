/**
 * Checks the direction of imports: a room imports only from the rooms to its left.
 *
 * `sys/system.ts` is a list of types and may be imported by all, as types. Only `sys/` imports `bun:*`. `testing/` is never imported
 * by the product. Only `host/` imports the texts that go onto machines and into images.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, normalize } from 'node:path';

const rooms = [
  'errors', 'binary', 'bitmap', 'vmcore', 'vmcoreinfo', 'address', 'memory-model', 'classify', 'compress', 'sink', 'format', 'analyse', 'config', 'linux',
  'sys', 'dump', 'network', 'remote', 'target', 'capture', 'host', 'commands', 'cli', 'makedumpfile', 'main', 'page-worker',
];
const faults: string[] = [];

for (const path of globSync('agent/**/*.ts')) {
  const room = roomOf(path);
  const isTest = path.endsWith('.test.ts') || room === 'testing';
  if (!isTest && !rooms.includes(room)) faults.push(`${path}: the room ${room} is not in the list of rooms`);
  if (isTest) continue;
  for (const [, typeOnly, target] of readFileSync(path, 'utf8').matchAll(/^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'/gm)) {
    if (target.startsWith('bun')) {
      if (room !== 'sys') faults.push(`${path}: imports ${target}; only sys/ may`);
      continue;
    }
    if (!target.startsWith('.')) continue;
    const imported = normalize(`${dirname(path)}/${target}`);
    // Texts that go onto the machine or into its images.
    if (room === 'host' && /^(hooks|dracut|mkinitcpio)\//.test(imported)) continue;
    const from = roomOf(imported);
    if (from === room) continue;
    if (typeOnly && /^agent\/sys\/(system|[a-z]+-interface)\.ts$/.test(imported)) continue;
    if (rooms.indexOf(from) < 0 || rooms.indexOf(from) > rooms.indexOf(room)) faults.push(`${path}: imports ${imported}, a room to its right`);
  }
}

for (const fault of faults) console.error(fault);
console.log(`rooms: ${faults.length === 0 ? 'every import points to the left' : `${faults.length} faults`}`);
process.exit(faults.length === 0 ? 0 : 1);

function roomOf(path: string): string {
  return path.replace(/^agent\//, '').replace(/\.ts$/, '').split('/')[0];
}
