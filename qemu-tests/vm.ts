/**
 * One virtual machine from its start to its end, with a hard time limit.
 *
 * A machine's word is only what it wrote to its ports. The console may say what it likes; its tail is shown when something went wrong.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export type VmOptions = {
  readonly argv: readonly string[];
  readonly consolePath: string;
  readonly timeoutMs: number;
  /** Called a few times a second while the machine runs. */
  readonly onTick?: (control: VmControl) => void;
  /** What QEMU tells of itself: events and answers, each an object of its control protocol. */
  readonly onMessage?: (message: VmMessage) => void;
};

export type VmControl = {
  /** Shrinks the guest's memory to this size by its balloon. */
  readonly balloon: (sizeBytes: number) => void;
  /** A command of QEMU's control protocol; nobody waits for its answer. */
  readonly execute: (name: string, arguments_?: object) => void;
};

export type VmMessage = {
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly class: string; readonly desc: string };
};

const tickMs = 250;

/** The machine did something other than end by itself with its verdicts given. */
export class VmError extends Error {
  constructor(message: string, consolePath: string) {
    super(`${message}\n--- the end of ${consolePath} ---\n${consoleTail(consolePath)}`);
    this.name = 'VmError';
  }
}

/** QEMU did not end but was ended by a signal that is not ours: what the guest did until then says nothing about it. */
export class QemuDied extends VmError {
  constructor(signal: string, consolePath: string) {
    super(`Cannot go on: QEMU was ended by ${signal}`, consolePath);
    this.name = 'QemuDied';
  }
}

/**
 * Runs QEMU until the guest ends the machine.
 * @returns Seconds it ran.
 * @throws VmError when it ran out of time (it is killed) or QEMU itself failed.
 * @throws QemuDied when a signal ended it.
 */
export async function runVm({ argv, consolePath, timeoutMs, onTick, onMessage }: VmOptions): Promise<number> {
  const begin = performance.now();
  const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  // QEMU's control protocol on its standard input; a guest that is gone no longer listens.
  child.stdin.on('error', () => {});
  const execute = (name: string, arguments_: object = {}) => {
    child.stdin.write(`${JSON.stringify({ execute: name, arguments: arguments_ })}\n`);
  };
  execute('qmp_capabilities');
  const control: VmControl = { balloon: (sizeBytes) => execute('balloon', { value: sizeBytes }), execute };
  createInterface({ input: child.stdout }).on('line', (line) => onMessage?.(JSON.parse(line) as VmMessage));
  let complaint = '';
  let timedOut = false;
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  const limit = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const tick = setInterval(() => onTick?.(control), tickMs);
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);
  try {
    const { status, signal } = await new Promise<{ status: number | null; signal: string | null }>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve({ status, signal }));
    });
    if (timedOut) throw new VmError(`Cannot wait for the guest: still running after ${timeoutMs / 1000} s`, consolePath);
    if (signal !== null) throw new QemuDied(signal, consolePath);
    if (status !== 0) throw new VmError(`Cannot run QEMU: exit status ${status}, expected 0: ${complaint.trim()}`, consolePath);
    onTick?.(control);
  } finally {
    clearTimeout(limit);
    clearInterval(tick);
    process.off('exit', killWithUs);
  }
  return (performance.now() - begin) / 1000;
}

/** The last lines of a console, without the control characters a terminal would obey. */
export function consoleTail(path: string, lines = 40): string {
  if (!existsSync(path)) return '(no console)';
  const text = readFileSync(path, 'latin1').replace(/[^\x20-\x7e\n\t]/g, '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
