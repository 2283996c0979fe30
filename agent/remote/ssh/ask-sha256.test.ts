import t from 'tap';
import { GiB } from '../../binary/units.ts';
import type { SshSession } from '../../sys/network-interface.ts';
import { askSha256 } from './ask-sha256.ts';

const sum = '0123456789abcdef'.repeat(4);

/** @returns the limit that was asked for, and the checksum. */
async function ask(sizeBytes: number, stdout: string, status = 0) {
  let limitMs = 0;
  const session = {
    status: async () => ({ kind: 'file', sizeBytes }),
    run: async (_: readonly string[], timeoutMs: number) => {
      limitMs = timeoutMs;
      return { status, stdout };
    },
  } as unknown as SshSession;
  return { sha256: await askSha256(session, '/srv/vmcore', () => {}), limitMs };
}

t.test('a minute a GiB is given, and an hour at most, whatever size the server tells', async (t) => {
  t.equal((await ask(2 * GiB, '')).limitMs, 180_000);
  t.equal((await ask(Number.MAX_SAFE_INTEGER, '')).limitMs, 3_600_000);
});

t.test('what is no checksum is none', async (t) => {
  t.equal((await ask(1, `${sum}  /srv/vmcore\n`)).sha256, sum);
  t.equal((await ask(1, `\\${sum}  /srv/vm\\ncore\n`)).sha256, sum);
  for (const text of ['', sum, `x${sum} `, sum.toUpperCase(), `${sum.slice(1)}  /srv/vmcore`])
    t.equal((await ask(1, text)).sha256, undefined);
  t.equal((await ask(1, `${sum}  /srv/vmcore\n`, 1)).sha256, undefined);
});
