/**
 * What the kernel answers to one request: messages, then an acknowledgement, an error, or the end of a list.
 *
 * @source linux/netlink.h; Documentation/userspace-api/netlink/intro.rst
 */
import { LinuxError } from '../linux-error.ts';
import { messageFlags, messageHead, readAttributes, readName, readNumber, splitMessages } from './message.ts';

const types = { nothing: 1, error: 2, done: 3, overrun: 4 } as const;
/** NLM_F_CAPPED, NLM_F_ACK_TLVS; NLMSGERR_ATTR_MSG */
const cappedFlag = 0x100;
const explainedFlag = 0x200;
const explanationTag = 1;
const errorBytes = 4;

export type Failure = { /** Positive. */ readonly errno: number /** The kernel's own words. */; readonly text: string | undefined };

export type Answer = {
  /** Without those that end it. */
  readonly messages: readonly Uint8Array[];
  /** Nothing more comes. */
  readonly isOver: boolean;
  readonly failure: Failure | undefined;
  /** Something changed while the list was made: it is to be asked for again. */
  readonly isInterrupted: boolean;
};

/**
 * The part of an answer that came in one datagram. What belongs to another request is left out.
 *
 * @param sequence of the request.
 * @throws LinuxError `linux/bad-netlink`
 */
export function readAnswer(datagram: Uint8Array, sequence: number): Answer {
  const messages: Uint8Array[] = [];
  let isInterrupted = false;
  for (const message of splitMessages(datagram)) {
    const head = messageHead.read(message);
    if (head.sequence !== sequence || head.type === types.nothing) continue;
    isInterrupted ||= (head.flags & messageFlags.interrupted) !== 0;
    if (head.type === types.overrun)
      throw new LinuxError('linux/bad-netlink', 'Cannot read what the kernel says of its network: a part was lost');
    if (head.type === types.error || head.type === types.done)
      return { messages, isOver: true, failure: readFailure(message), isInterrupted };
    messages.push(message);
  }
  return { messages, isOver: false, failure: undefined, isInterrupted };
}

/** `undefined`: it went well. The end of a list carries a number too, on kernels that care. */
function readFailure(message: Uint8Array): Failure | undefined {
  const { type, flags } = messageHead.read(message);
  const content = message.subarray(messageHead.sizeBytes);
  if (type === types.done && content.length < errorBytes) return undefined;
  const errno = -((readNumber(content, 4) as number) | 0);
  if (errno <= 0) return undefined;
  if ((flags & explainedFlag) === 0) return { errno, text: undefined };
  return { errno, text: readName(readAttributes(content.subarray(errorBytes + echoedBytes(type, flags, content))).get(explanationTag)) };
}

/** An error carries the head of the request, or all of it. @throws LinuxError `linux/bad-netlink` */
function echoedBytes(type: number, flags: number, content: Uint8Array): number {
  if (type === types.done) return 0;
  if (content.length < errorBytes + messageHead.sizeBytes) return content.length - errorBytes;
  return (flags & cappedFlag) !== 0 ? messageHead.sizeBytes : Math.ceil(messageHead.read(content, errorBytes).length / 4) * 4;
}
