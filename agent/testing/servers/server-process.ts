/**
 * A server of somebody else's, for as long as a test needs it: started in the foreground, waited for, stopped, held still, killed and started again.
 *
 * It dies with the process that started it, all it starts with it, whatever happens to that process: `setpriv --pdeathsig` ends `unshare`, which
 * takes its namespace of processes with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export type ServerOptions = {
  /** Runs in the foreground. */
  readonly argv: readonly string[];
  /** On the loopback; it is ready when it answers there. */
  readonly port: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** Default: 20 s. */
  readonly startMs?: number;
};

export type ServerProcess = {
  /** Whatever it said so far, at most the last 16 KiB. */
  readonly said: () => string;
  /** At once, without a farewell. Resolves when it is gone. */
  kill(): Promise<void>;
  /** After `kill`: the same again. */
  start(): Promise<void>;
  /** Takes connections and does nothing, until `goOn`. */
  hold(): void;
  goOn(): void;
};

/** @throws Error when it does not answer in time, with what it said. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  let child: ChildProcess | undefined;
  let said = '';
  const hear = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-16384);
  };
  const start = async () => {
    const [program, ...words] = [
      'setpriv',
      '--pdeathsig',
      'KILL',
      'unshare',
      '--pid',
      '--fork',
      '--kill-child=KILL',
      '--mount-proc',
      ...options.argv,
    ];
    child = spawn(program, words, {
      cwd: options.folder ?? '/',
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.unref();
    process.once('exit', kill);
    await untilAnswers(options, child, () => said);
  };
  const signal = (name: NodeJS.Signals) => {
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, name);
  };
  const kill = () => signal('SIGKILL');
  const server: ServerProcess = {
    said: () => said,
    async kill() {
      process.off('exit', kill);
      const ended = child === undefined || child.exitCode !== null || child.signalCode !== null;
      child?.ref();
      const gone = ended ? Promise.resolve() : new Promise((resolve) => child?.once('close', resolve));
      kill();
      await gone;
    },
    start,
    hold: () => signalAll(child, 'SIGSTOP'),
    goOn: () => signalAll(child, 'SIGCONT'),
  };
  await start();
  return server;
}

/** Every process of the server, those too that made themselves a session of their own: they share its namespace of processes. */
function signalAll(child: ChildProcess | undefined, name: NodeJS.Signals): void {
  const namespace = namespaceOf(child?.pid, 'pid_for_children');
  if (namespace === undefined) return;
  for (const entry of readdirSync('/proc'))
    if (/^\d+$/.test(entry) && namespaceOf(Number(entry), 'pid') === namespace) process.kill(Number(entry), name);
}

function namespaceOf(pid: number | undefined, kind: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

async function untilAnswers({ argv, port, startMs = 20_000 }: ServerOptions, child: ChildProcess, said: () => string): Promise<void> {
  const endsAt = Date.now() + startMs;
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > endsAt) {
      child.kill('SIGKILL');
      throw new Error(`Cannot start ${argv[0]}: it does not answer on port ${port}; it said:\n${said()}`);
    }
    await delay(50);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 });
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

/** A port of the loopback that nobody has now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
