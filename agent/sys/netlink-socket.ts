/**
 * One question to the kernel about its network, or one order, over a netlink socket of its own. Bounded in time and in messages.
 *
 * @source netlink(7), rtnetlink(7)
 */
import { closeSync } from 'node:fs';
import { dlopen, FFIType } from 'bun:ffi';
import { type Answer, readAnswer } from '../linux/netlink/answer.ts';
import { messageFlags, messageHead } from '../linux/netlink/message.ts';
import { errnoName, KernelCallError } from './kernel-error.ts';
import { errno } from './libc.ts';
import { callError, checkCall } from './system-call.ts';

const libc = dlopen('libc.so.6', {
  bind: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  recvfrom: { args: ['i32', 'ptr', 'u64', 'i32', 'ptr', 'ptr'], returns: FFIType.i64_fast },
  sendto: { args: ['i32', 'ptr', 'u64', 'i32', 'ptr', 'u32'], returns: FFIType.i64_fast },
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
}).symbols;

/** AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE */
const routeSocket = { domain: 16, type: 0x80003, protocol: 0 } as const;
/** SOL_SOCKET, SO_RCVTIMEO; SOL_NETLINK, NETLINK_EXT_ACK */
const receiveTimeout = { level: 1, name: 20 } as const;
const explainErrors = { level: 270, name: 11 } as const;
/** MSG_TRUNC: the length that was sent, though less of it fits. */
const tellLength = 0x20;
/** struct sockaddr_nl: family u16, two bytes, port u32, groups u32. The kernel's port is 0, and 0 asks for one of our own. */
const addressBytes = 12;
const EINTR = 4;
const EAGAIN = 11;
/** The kernel sends lists in pieces of 32 KiB at most. */
const datagramBytes = 256 * 1024;
const mostRequestBytes = 64 * 1024;
const mostMessages = 65_536;
/** A list may change while it is told. */
const mostAttempts = 5;
const action = 'ask the kernel about its network';

let lastSequence = 0;

/**
 * @param request one message, as agent/linux/netlink builds them; its sequence, and that it wants an acknowledgement, are set here.
 * @returns all messages of the answer.
 * @throws KernelCallError with the kernel's errno and its own words; `kernel/etimedout`. LinuxError `linux/bad-netlink`.
 */
export function askRouteNetlink(request: Uint8Array, timeoutMs: number): Uint8Array[] {
  checkRequest(request);
  const endsAt = performance.now() + timeoutMs;
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const messages = askOnce(request, endsAt);
    if (messages !== undefined) return messages;
  }
  throw new KernelCallError('EAGAIN', `Cannot ${action}: it changed ${mostAttempts} times while it was told (EAGAIN)`);
}

function checkRequest(request: Uint8Array): void {
  const { length } = messageHead.read(request);
  if (length === request.length && length <= mostRequestBytes) return;
  throw new KernelCallError('EINVAL', `Cannot ${action}: a request of ${request.length} bytes calls itself ${length} long (EINVAL)`);
}

/** `undefined`: to be asked again. */
function askOnce(request: Uint8Array, endsAt: number): Uint8Array[] | undefined {
  const fd = openSocket();
  try {
    lastSequence = (lastSequence + 1) % 2 ** 31;
    send(fd, request, lastSequence);
    return receiveAll(fd, lastSequence, endsAt);
  } finally {
    closeSync(fd);
  }
}

function openSocket(): number {
  // Why: neither Node nor Bun opens sockets of this family.
  // Safe: three numbers go in, a descriptor comes out, which the caller closes.
  const fd = checkCall(libc.socket(routeSocket.domain, routeSocket.type, routeSocket.protocol), action);
  try {
    // Why: a port of our own, to which nothing but answers comes.
    // Safe: the address has the length that is told and lives until the call returns.
    checkCall(libc.bind(fd, kernelAddress(), addressBytes), action);
    // Why: what the kernel says to an error in words. Without it, before Linux 4.12, the number must do.
    // Safe: one number of four bytes, as told.
    libc.setsockopt(fd, explainErrors.level, explainErrors.name, Int32Array.of(1), 4);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function kernelAddress(): Uint8Array {
  const address = new Uint8Array(addressBytes);
  address[0] = routeSocket.domain;
  return address;
}

function send(fd: number, request: Uint8Array, sequence: number): void {
  const message = request.slice();
  const head = messageHead.read(message);
  message.set(messageHead.write({ ...head, flags: head.flags | messageFlags.request | messageFlags.acknowledge, sequence }));
  // Why: the request goes to the kernel.
  // Safe: array and address have the lengths that are told and live until the call returns; the kernel checks what is in them.
  checkCall(libc.sendto(fd, message, message.length, 0, kernelAddress(), addressBytes), action);
}

function receiveAll(fd: number, sequence: number, endsAt: number): Uint8Array[] | undefined {
  const messages: Uint8Array[] = [];
  const buffer = new Uint8Array(datagramBytes);
  let isInterrupted = false;
  for (let count = 0; count <= mostMessages; count++) {
    const datagram = receive(fd, buffer, endsAt);
    if (datagram === undefined) continue;
    const answer = readAnswer(datagram, sequence);
    messages.push(...answer.messages);
    isInterrupted ||= answer.isInterrupted;
    if (answer.failure !== undefined) throw refusal(answer.failure);
    if (answer.isOver) return isInterrupted ? undefined : messages;
    if (messages.length > mostMessages) break;
  }
  throw new KernelCallError('EMSGSIZE', `Cannot ${action}: the answer has more than ${mostMessages} messages (EMSGSIZE)`);
}

function refusal({ errno: number, text }: NonNullable<Answer['failure']>): KernelCallError {
  if (text === undefined || text === '') return callError(number, 'change or ask for the network');
  const name = errnoName(number);
  return new KernelCallError(name, `Cannot change or ask for the network: ${text} (${name})`);
}

/** `undefined`: nothing for us yet. */
function receive(fd: number, buffer: Uint8Array, endsAt: number): Uint8Array | undefined {
  setTimeLimit(fd, endsAt);
  const from = new Uint8Array(addressBytes);
  // Why: the answer comes as datagrams.
  // Safe: buffer and address have the lengths that are told; with MSG_TRUNC the kernel still writes no more than fits, and says how long it was.
  const length = Number(libc.recvfrom(fd, buffer, buffer.length, tellLength, from, Int32Array.of(addressBytes)));
  if (length < 0) {
    const number = errno();
    if (number === EINTR || number === EAGAIN) return undefined;
    throw callError(number, action);
  }
  if (length > buffer.length) throw new KernelCallError('EMSGSIZE', `Cannot ${action}: a piece of ${length} bytes came (EMSGSIZE)`);
  const sender = new DataView(from.buffer).getUint32(4, true);
  return sender === 0 ? buffer.slice(0, length) : undefined;
}

/** @throws KernelCallError `kernel/etimedout` when there is no time left. */
function setTimeLimit(fd: number, endsAt: number): void {
  const leftMs = Math.ceil(endsAt - performance.now());
  if (!(leftMs > 0)) throw new KernelCallError('ETIMEDOUT', `Cannot ${action}: no answer came in time (ETIMEDOUT)`);
  const value = BigInt64Array.of(BigInt(Math.floor(leftMs / 1000)), BigInt((leftMs % 1000) * 1000));
  // Why: without it a read waits for ever.
  // Safe: struct timeval of 16 bytes, as told, alive until the call returns.
  checkCall(libc.setsockopt(fd, receiveTimeout.level, receiveTimeout.name, value, 16), action);
}
