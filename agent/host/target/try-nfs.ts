/** Tries an NFS export as a capture would use it: mounts it, writes a file to it, reads it back, and takes both away again. */
import { randomBytes } from 'node:crypto';
import type { ArmedTarget } from '../../config/armed-plan.ts';
import { formatBytes, MiB } from '../../binary/units.ts';
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { openTarget } from '../../target/open-target.ts';
import type { Check } from '../status/check.ts';
import { TestError } from '../test/test-error.ts';
import type { Trial } from './try-remote.ts';

type NfsTarget = Extract<ArmedTarget, { kind: 'nfs' }>;

const mountLimitMs = 60_000;
/** Mount points of the capture have the numbers of its targets. */
const mountIndex = 900;
const pieceBytes = MiB;
const mostBytes = 32 * MiB;
const writeMs = 3000;

/** Never throws a KcaptureError: each is a failed check. */
export function tryNfs(system: System, target: NfsTarget): Trial {
  const checks: Check[] = [];
  const fail = (name: string, error: unknown): Trial => {
    if (!(error instanceof KcaptureError)) throw error;
    checks.push({ name, level: 'fail', text: error.message, hint: error.hint ?? 'kcapture status' });
    return { passed: false, checks, bytesPerSecond: undefined, canRename: undefined };
  };
  let opened: ReturnType<typeof openTarget>;
  try {
    opened = openTarget(system, target, { index: mountIndex, endsAt: system.now() + mountLimitMs });
  } catch (error) {
    return fail('mount', error);
  }
  try {
    if (opened.kind !== 'folder') throw new TestError('test/probe', `Cannot try ${target.wish}: it is no folder`);
    checks.push({ name: 'mount', level: 'ok', text: `${target.host}:${target.exported} is mounted` });
    const { sizeBytes, seconds } = writeAndRead(system, opened.folder);
    const bytesPerSecond = Math.round(sizeBytes / seconds);
    const free = formatBytes(system.files.space(opened.folder).freeBytes);
    checks.push({
      name: 'stream',
      level: 'ok',
      text: `${formatBytes(sizeBytes)} in ${seconds.toFixed(1)} s, ${formatBytes(bytesPerSecond)} a second; the same came back, ${free} free`,
    });
    return { passed: true, checks, bytesPerSecond, canRename: undefined };
  } catch (error) {
    return fail('stream', error);
  } finally {
    opened.close();
  }
}

/** Piece by piece, each durable: what is measured is the server, not this machine's memory. */
function writeAndRead({ files, now }: System, folder: string): { readonly sizeBytes: number; readonly seconds: number } {
  const path = `${folder}/.kcapture-probe-${randomBytes(6).toString('hex')}`;
  const piece = randomBytes(pieceBytes);
  const startedAt = now();
  let sizeBytes = 0;
  try {
    while (sizeBytes < mostBytes && now() - startedAt < writeMs) {
      files.append(path, piece);
      sizeBytes += piece.length;
    }
    files.sync(path);
    const seconds = Math.max(0.001, (now() - startedAt) / 1000);
    const back = files.readAt(path, sizeBytes - pieceBytes, pieceBytes);
    if (files.status(path)?.sizeBytes === sizeBytes && Buffer.compare(piece, back) === 0) return { sizeBytes, seconds };
    throw new TestError('test/probe', `Cannot trust "${folder}": other bytes come back than were written`, { where: folder });
  } finally {
    files.remove(path);
  }
}
