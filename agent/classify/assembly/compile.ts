/**
 * Compiles `classify-batch.ts` into `compiled-batch.ts`, which is committed: the product needs no compiler, and a change of the one shows
 * in the other. `--check` only tells whether they belong together.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const source = 'agent/classify/assembly/classify-batch.ts';
const compiled = 'agent/classify/assembly/compiled-batch.ts';

const text = moduleText(compile());
if (process.argv.includes('--check')) {
  if (readFileSync(compiled, 'utf8') === text) process.exit(0);
  throw new Error(`Cannot trust ${compiled}: it was not made from ${source}; run "npm run assembly"`);
}
writeFileSync(compiled, text);

function compile(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-assembly-'));
  try {
    const out = join(folder, 'batch.wasm');
    const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--use', 'abort=', '--outFile', out];
    const { status, stdout, stderr } = spawnSync('node_modules/.bin/asc', [source, ...flags], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`Cannot compile ${source}:\n${stdout}${stderr}`);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function moduleText(wasm: Buffer): string {
  const lines = wasm.toString('base64').match(/.{1,120}/g) ?? [];
  return [
    `/** \`classify-batch.ts\` as WebAssembly, in base64: ${wasm.length} bytes. Made by \`npm run assembly\`; never edited. */`,
    'export const compiledBatch =',
    `${lines.map((line, index) => `  '${line}'${index === lines.length - 1 ? ';' : ' +'}`).join('\n')}`,
    '',
  ].join('\n');
}
