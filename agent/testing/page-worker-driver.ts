/** Built into an executable of its own: offers a thread one batch of a vmcore, which nobody does in its place, and says whether it was done. */
import { startTeam } from '../dump/page-team.ts';
import { openSource } from '../format/open-source.ts';
import { createBunSystem } from '../sys/bun-system.ts';

const [source] = process.argv.slice(2);
const system = createBunSystem();
const memory = openSource([system.openFile(source)], system.openCodec);
const codec = system.openCodec('zstd');
const { exchange } = startTeam(system, memory, codec, { source, mmap: false, codecLevel: undefined, threads: 2 });
exchange.batch(0).pfns[0] = memory.ranges[0].start;
exchange.offer(0, { pageCount: 1, shareZero: false, level: undefined });
console.log(exchange.collect(0) ? 'done' : 'not done');
exchange.stop();
