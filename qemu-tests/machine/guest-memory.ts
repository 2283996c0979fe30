/**
 * Writes into a running guest's physical memory, through QEMU's stub for debuggers: the machine stands still meanwhile and goes on afterwards.
 *
 * @source GDB documentation, "Remote Protocol" (packets M, D; acknowledgement); QEMU, gdbstub/gdbstub.c (Qqemu.PhyMemMode)
 */
import { createConnection } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { VmControl } from '../vm.ts';

const limitMs = 20_000;
/** The stub's buffer for a packet is 4 KiB, and each byte takes two letters. */
const pieceBytes = 1024;

/** @param socketPath Where QEMU shall listen; not there yet. @throws Error when QEMU refuses or does not answer in time. */
export async function overwriteMemory(control: VmControl, socketPath: string, address: number, bytes: Uint8Array): Promise<void> {
  control.execute('human-monitor-command', { 'command-line': `gdbserver unix:${socketPath},server=on,wait=off` });
  const stub = await connectSoon(socketPath);
  try {
    await stub.ask('Qqemu.PhyMemMode:1');
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      await stub.ask(`M${(address + at).toString(16)},${piece.length.toString(16)}:${Buffer.from(piece).toString('hex')}`);
    }
    await stub.ask('D');
  } finally {
    stub.close();
    // A machine that lost its debugger stands still.
    control.execute('cont');
  }
}

type Stub = { readonly ask: (packet: string) => Promise<void>; readonly close: () => void };

async function connectSoon(path: string): Promise<Stub> {
  const endsAt = performance.now() + limitMs;
  for (;;) {
    try {
      return await connect(path);
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await pause(100);
    }
  }
}

function connect(path: string): Promise<Stub> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let received = '';
    let wake = () => {};
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      wake();
    });
    socket.once('error', reject);
    socket.once('connect', () => resolve({ ask, close: () => socket.destroy() }));

    async function ask(packet: string): Promise<void> {
      const sum = [...Buffer.from(packet, 'latin1')].reduce((total, byte) => (total + byte) % 256, 0);
      received = '';
      socket.write(`$${packet}#${sum.toString(16).padStart(2, '0')}`, 'latin1');
      const endsAt = performance.now() + limitMs;
      for (;;) {
        // The machine's stopping is told too, whenever it likes.
        const answer = [...received.matchAll(/\$([^#]*)#[0-9a-f]{2}/g)].map(([, text]) => text).find((text) => !/^[ST]\d\d/.test(text));
        if (answer === 'OK') break;
        if (answer !== undefined)
          throw new Error(`Cannot write to the guest's memory: QEMU answered "${answer}" to ${packet.slice(0, 40)}, expected OK`);
        if (performance.now() > endsAt)
          throw new Error(`Cannot write to the guest's memory: no answer to ${packet.slice(0, 40)} within ${limitMs} ms`);
        await Promise.race([new Promise<void>((resolved) => (wake = resolved)), pause(250)]);
      }
      socket.write('+');
    }
  });
}
