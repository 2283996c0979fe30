/**
 * Runs a program to its end, and no longer: not until those it left behind have closed its output, and not for ever when the kernel cannot end it
 * because a disk or a server does not answer.
 */
import { readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { KiB } from '../binary/units.ts';
import { codeOf } from './errno.ts';
import type { RunRequest, RunResult } from './machine-programs.ts';
import { closeQuietly, createPipe, endOf, type PollEntry, pollDescriptors, pollEvent, spawnProgram } from './spawn-call.ts';

/** A pipe that is ready takes as much without making us wait. @source pipe(7), PIPE_BUF */
const writeBytes = 4 * KiB;
const readBytes = 64 * KiB;
/** An end that no pipe tells of is noticed after so long. */
const tickMs = 20;
/** How long a killed program may take to end before it is left to itself. */
const mercyMs = 2000;
const { SIGKILL } = constants.signals;

type Output = { readonly reader: number; readonly pieces: Uint8Array[]; open: boolean };

/** @throws KernelCallError when the program cannot be started. */
export function runByPipes(request: RunRequest): RunResult {
  return request.attached ? runAttached(request) : runCaptured(request);
}

function runAttached(request: RunRequest): RunResult {
  const pid = spawnProgram({ ...request, pipes: undefined });
  const nothing = { output: [], input: undefined };
  return serve(pid, pid, nothing, request);
}

function runCaptured(request: RunRequest): RunResult {
  const [input, output, error] = [createPipe(), createPipe(), createPipe()];
  const ours = [input.writer, output.reader, error.reader];
  try {
    const theirs = [input.reader, output.writer, error.writer] as const;
    let pid: number;
    try {
      pid = spawnProgram({ ...request, pipes: theirs });
    } finally {
      for (const fd of theirs) closeQuietly(fd);
    }
    const outputs = [output.reader, error.reader].map((reader): Output => ({ reader, pieces: [], open: true }));
    return serve(pid, -pid, { output: outputs, input: { writer: input.writer, rest: request.input } }, request);
  } finally {
    for (const fd of ours) closeQuietly(fd);
  }
}

type Streams = { readonly output: readonly Output[]; input: { readonly writer: number; rest: Uint8Array } | undefined };

/** @param victim what is killed: a process, or (negative) a group. */
function serve(pid: number, victim: number, streams: Streams, { timeoutMs, mostOutputBytes }: RunRequest): RunResult {
  const endMs = performance.now() + timeoutMs;
  let status: number | undefined;
  let ended: RunResult['ended'];
  for (let waitMs = 1; status === undefined && ended === undefined; waitMs = Math.min(waitMs * 2, tickMs)) {
    moveBytes(streams, Math.min(waitMs, Math.max(1, endMs - performance.now())));
    status = endOf(pid);
    if (status !== undefined) break;
    if (outputBytes(streams) > mostOutputBytes) ended = 'output';
    else if (performance.now() >= endMs) ended = 'time';
  }
  if (ended !== undefined) status = kill(pid, victim);
  takeWhatIsLeft(streams, mostOutputBytes);
  const [stdout = new Uint8Array(), stderr = new Uint8Array()] = streams.output.map(({ pieces }) =>
    Buffer.concat(pieces).subarray(0, mostOutputBytes),
  );
  return { status: status ?? 128 + SIGKILL, ended, stdout, stderr };
}

/** Sleeps until a stream is ready, at most `waitMs`; then reads and writes a piece of each that is. */
function moveBytes(streams: Streams, waitMs: number): void {
  const open = streams.output.filter((output) => output.open);
  const entries: PollEntry[] = open.map(({ reader }) => ({ fd: reader, events: pollEvent.readable }));
  const { input } = streams;
  if (input !== undefined) entries.push({ fd: input.writer, events: pollEvent.writable });
  const events = pollDescriptors(entries, waitMs);
  for (const [index, output] of open.entries()) if (events[index] !== 0) readPiece(output);
  if (input !== undefined && events[open.length] !== 0) {
    input.rest = writePiece(input.writer, input.rest);
    if (input.rest.length > 0) return;
    closeQuietly(input.writer);
    streams.input = undefined;
  }
}

function readPiece(output: Output): void {
  const piece = new Uint8Array(readBytes);
  try {
    const count = readSync(output.reader, piece, 0, piece.length, null);
    if (count > 0) output.pieces.push(piece.slice(0, count));
    else output.open = false;
  } catch (cause) {
    if (codeOf(cause) !== 'EINTR' && codeOf(cause) !== 'EAGAIN') output.open = false;
  }
}

/** @returns what is left to write; nothing when nobody reads any more. */
function writePiece(fd: number, rest: Uint8Array): Uint8Array {
  if (rest.length === 0) return rest;
  try {
    return rest.subarray(writeSync(fd, rest, 0, Math.min(rest.length, writeBytes)));
  } catch (cause) {
    return codeOf(cause) === 'EINTR' || codeOf(cause) === 'EAGAIN' ? rest : rest.subarray(rest.length);
  }
}

function outputBytes(streams: Streams): number {
  return Math.max(0, ...streams.output.map(({ pieces }) => pieces.reduce((sum, piece) => sum + piece.length, 0)));
}

/** What stands in the pipes when the program has ended; those it left behind may go on writing, so this is bounded. */
function takeWhatIsLeft(streams: Streams, mostBytes: number): void {
  for (const output of streams.output) {
    while (output.open && outputBytes(streams) <= mostBytes) {
      const [events] = pollDescriptors([{ fd: output.reader, events: pollEvent.readable }], 0);
      if ((events & pollEvent.readable) === 0) break;
      readPiece(output);
    }
  }
}

/** @returns how it ended; `undefined` when it has not within the time of mercy. */
function kill(pid: number, victim: number): number | undefined {
  try {
    process.kill(victim, 'SIGKILL');
  } catch {}
  const endMs = performance.now() + mercyMs;
  for (;;) {
    const status = endOf(pid);
    if (status !== undefined || performance.now() >= endMs) return status;
    pollDescriptors([], 5);
  }
}
