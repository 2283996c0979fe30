/** The executable: which name was it called by, then `run`. */
import { basename } from 'node:path';
import { run } from './cli.ts';
import { runAsMakedumpfile } from './makedumpfile/run.ts';
import { buildInfo } from './sys/build-info.ts';
import { createBunSystem } from './sys/bun-system.ts';

const system = createBunSystem();
const words = process.argv.slice(2);
const isMakedumpfile = basename(process.argv0).startsWith('makedumpfile');
process.exitCode = isMakedumpfile ? runAsMakedumpfile(system, buildInfo.version, words) : await run(system, buildInfo, words);
