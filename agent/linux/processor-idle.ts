/**
 * How long the processors of the machine have been idle.
 *
 * @source proc_stat(5): counts since boot in ticks of 10 ms, `cpu USER NICE SYSTEM IDLE IOWAIT …` for all together, then a line for each
 */

export type ProcessorIdle = {
  /** Milliseconds since boot, all processors added up. Waiting for a disk is idle. */
  readonly idleMs: number;
  readonly processors: number;
};

const tickMs = 10;

/** @param text of `/proc/stat`; `undefined` comes back when it does not say. */
export function parseProcessorIdle(text: string): ProcessorIdle | undefined {
  const [, idle, waiting] = /^cpu +\d+ \d+ \d+ (\d+) (\d+)/m.exec(text) ?? [];
  const processors = text.match(/^cpu\d+ /gm)?.length ?? 0;
  if (idle === undefined || waiting === undefined || processors === 0) return undefined;
  return { idleMs: (Number(idle) + Number(waiting)) * tickMs, processors };
}
