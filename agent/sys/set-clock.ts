/** The machine's wall clock. @source clock_settime(2) */
import { dlopen } from 'bun:ffi';
import { KernelCallError } from './kernel-error.ts';
import { checkCall } from './system-call.ts';

const libc = dlopen('libc.so.6', { clock_settime: { args: ['i32', 'ptr'], returns: 'i32' } }).symbols;
const CLOCK_REALTIME = 0;

/** @param ms milliseconds since 1970. @throws KernelCallError `kernel/eperm`, `kernel/einval`. */
export function setRealTimeClock(ms: number): void {
  if (!Number.isFinite(ms) || ms < 0 || ms > Number.MAX_SAFE_INTEGER) {
    throw new KernelCallError('EINVAL', `Cannot set the clock to ${ms} ms since 1970 (EINVAL)`);
  }
  const whole = Math.floor(ms);
  const time = BigInt64Array.of(BigInt(Math.floor(whole / 1000)), BigInt(whole % 1000) * 1_000_000n);
  // Why: certificates and signatures are judged by this clock, which may stand at 1970.
  // Safe: struct timespec of 16 bytes, alive until the call returns.
  checkCall(libc.clock_settime(CLOCK_REALTIME, time), 'set the clock');
}
