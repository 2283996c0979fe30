/**
 * The network, before the first target that needs it and not before: a dump to a disk waits for no cable.
 *
 * Comes in: the plan's network and a target on it. Goes out: the network up, and in the log how the target is reached. Where it cannot be put up, the next target
 * on it tries once more, with less time: somebody may have plugged a cable in.
 */
import type { NetworkTarget } from '../config/armed-plan.ts';
import { bringUpNetwork } from '../network/bring-up.ts';
import { waitForReach } from '../network/reach.ts';
import { setClock } from '../network/set-clock.ts';
import type { Run } from './run.ts';

/** For another try. */
const againMs = 10_000;
/** A switch that guards against loops lets nothing through for the first half minute. */
const reachMs = 45_000;

/** Does nothing outside a capture kernel: there the network is the machine's own business. @throws NetworkUpError */
export function prepareNetwork(run: Run, target: NetworkTarget): void {
  const { settings, system, log, pulse, limit, done } = run;
  if (!settings.inCaptureKernel) return;
  if (!done.has('network')) bringUp(run);
  const limitMs = Math.min(reachMs, settings.configuration.deviceTimeoutSeconds * 1000, limit.dumpEndsAt - system.now());
  const { isOpen, sentence } = waitForReach(system, target.addresses, { limitMs, onWait: () => pulse.beat() });
  if (isOpen) log.info(sentence);
  else log.warn(`${target.wish} may be out of reach: ${sentence}`);
}

function bringUp({ settings, system, log, pulse, limit, crash, done, elapsedMs }: Run): void {
  const { plan, configuration } = settings;
  const isFirst = !done.has('network tried');
  done.add('network tried');
  if (isFirst) {
    const clock = setClock(system, { builtAt: plan?.builtAt, crashedAtMs: crash.crashedAtMs });
    if (clock !== undefined) log.warn(clock);
  }
  if (plan?.network === undefined) {
    log.warn('the image says nothing of the network: whatever is up is used');
    done.add('network');
    return;
  }
  const since = system.now();
  const wanted = isFirst ? configuration.deviceTimeoutSeconds * 1000 : againMs;
  const limitMs = Math.max(0, Math.min(wanted, limit.dumpEndsAt - since));
  bringUpNetwork(system, plan.network, {
    limitMs,
    nowMs: system.kernel.wallClockMs(),
    onNote: (sentence) => log.info(sentence),
    onWait: () => pulse.beat(),
  });
  done.add('network');
  elapsedMs.network = Math.round(system.now() - since);
}
