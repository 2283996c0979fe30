/**
 * Messages of netlink: the head, the structure of the type, attributes.
 *
 *     length u32 | type u16 | flags u16 | sequence u32 | port u32 | structure of the type | attributes
 *     an attribute: length u16, these four bytes counted | type u16 | content; the next starts at a multiple of four
 *
 * Numbers are in the machine's own order, which is little-endian on all that kcapture runs on.
 *
 * @source linux/netlink.h
 */
import { hex } from '../../binary/units.ts';
import { defineStruct } from '../../binary/struct.ts';
import { LinuxError } from '../linux-error.ts';

/** struct nlmsghdr */
export const messageHead = defineStruct('struct nlmsghdr', 16, {
  length: [0, 'u32'],
  type: [4, 'u16'],
  flags: [6, 'u16'],
  sequence: [8, 'u32'],
  port: [12, 'u32'],
});

/** NLM_F_… */
export const messageFlags = { request: 0x1, acknowledge: 0x4, interrupted: 0x10, dump: 0x300 } as const;

const attributeHeadBytes = 4;
/** Two flags above it, nested and byte order, are no part of the number. */
const attributeTypeMask = 0x3fff;

export type Attribute = readonly [type: number, content: Uint8Array];
export type Attributes = ReadonlyMap<number, Uint8Array>;

/**
 * A request; sequence and port are set by whoever sends it.
 *
 * @param fixed the structure of the type, a multiple of four bytes.
 */
export function buildMessage(type: number, flags: number, fixed: Uint8Array, attributes: readonly Attribute[] = []): Uint8Array {
  const content = buildAttributes(attributes);
  const head = messageHead.write({ length: messageHead.sizeBytes + fixed.length + content.length, type, flags });
  const message = new Uint8Array(head.length + fixed.length + content.length);
  message.set(head);
  message.set(fixed, head.length);
  message.set(content, head.length + fixed.length);
  return message;
}

export function buildAttributes(attributes: readonly Attribute[]): Uint8Array {
  const bytes = new Uint8Array(attributes.reduce((sum, [, content]) => sum + padded(attributeHeadBytes + content.length), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [type, content] of attributes) {
    view.setUint16(at, attributeHeadBytes + content.length, true);
    view.setUint16(at + 2, type, true);
    bytes.set(content, at + attributeHeadBytes);
    at += padded(attributeHeadBytes + content.length);
  }
  return bytes;
}

/**
 * The messages of one datagram, each with its head.
 *
 * @throws LinuxError `linux/bad-netlink` when a length leads out of it.
 */
export function splitMessages(datagram: Uint8Array): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < datagram.length; ) {
    if (datagram.length - at < messageHead.sizeBytes) throw bad(`${datagram.length - at} bytes`, at, `a head of ${messageHead.sizeBytes}`);
    const { length } = messageHead.read(datagram, at);
    if (length < messageHead.sizeBytes || length > datagram.length - at) {
      throw bad(`a message of ${length} bytes`, at, `${messageHead.sizeBytes} to ${datagram.length - at}`);
    }
    messages.push(datagram.subarray(at, at + length));
    at += padded(length);
  }
  return messages;
}

/** Of a message that `splitMessages` gave. */
export function messageType(message: Uint8Array): number {
  return messageHead.read(message).type;
}

/**
 * The attributes behind the structure of the type; of a number that comes twice, the last.
 *
 * @param fixedBytes size of that structure.
 * @throws LinuxError `linux/bad-netlink`
 */
export function messageAttributes(message: Uint8Array, fixedBytes: number): Attributes {
  const start = messageHead.sizeBytes + fixedBytes;
  if (message.length < start) throw bad(`${message.length} bytes`, 0, `at least ${start}`);
  return readAttributes(message.subarray(start));
}

/** @param bytes `undefined`: an attribute that is not there, which holds none. @throws LinuxError `linux/bad-netlink` */
export function readAttributes(bytes: Uint8Array = new Uint8Array()): Attributes {
  const attributes = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; ) {
    const left = bytes.length - at;
    const length = left < attributeHeadBytes ? left : view.getUint16(at, true);
    if (length < attributeHeadBytes || length > left) throw bad(`an attribute of ${length} bytes`, at, `${attributeHeadBytes} to ${left}`);
    attributes.set(view.getUint16(at + 2, true) & attributeTypeMask, bytes.subarray(at + attributeHeadBytes, at + length));
    at += padded(length);
  }
  return attributes;
}

/** A number of one, two or four bytes, whichever the attribute has; `undefined` when it is not there. @throws LinuxError `linux/bad-netlink` */
export function readNumber(content: Uint8Array | undefined, sizeBytes: 1 | 2 | 4): number | undefined {
  if (content === undefined) return undefined;
  if (content.length < sizeBytes) throw bad(`a number of ${content.length} bytes`, 0, `${sizeBytes}`);
  const view = new DataView(content.buffer, content.byteOffset, sizeBytes);
  return sizeBytes === 1 ? view.getUint8(0) : sizeBytes === 2 ? view.getUint16(0, true) : view.getUint32(0, true);
}

/** Text up to its NUL, or its end; `undefined` when it is not there. */
export function readName(content: Uint8Array | undefined): string | undefined {
  if (content === undefined) return undefined;
  const end = content.indexOf(0);
  return new TextDecoder().decode(end < 0 ? content : content.subarray(0, end));
}

export function numberBytes(value: number, sizeBytes: 1 | 2 | 4): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes.subarray(0, sizeBytes);
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function bad(found: string, at: number, wanted: string): LinuxError {
  return new LinuxError('linux/bad-netlink', `Cannot read what the kernel says of its network at ${hex(at)}: ${found}, expected ${wanted}`);
}
