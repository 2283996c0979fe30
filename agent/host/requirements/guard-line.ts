/** The two numbers the capture script's guard lives by. */
import type { Configuration } from '../../config/configuration.ts';

/** A disk that resets itself or a controller that fails over is silent for some minutes; nothing sound is silent for longer. */
const leastPatienceSeconds = 600;
/** A hook says nothing while it runs. */
const hookSlackSeconds = 120;
/** For the agent to end by itself when its own time is over. */
const limitSlackSeconds = 180;

/** `PATIENCE LIMIT`, seconds: without progress, and in all (0: no limit). */
export function guardLine({ hookTimeoutSeconds, timeLimitSeconds }: Configuration): string {
  const patience = Math.max(leastPatienceSeconds, Math.ceil(hookTimeoutSeconds) + hookSlackSeconds);
  const limit = timeLimitSeconds === undefined ? 0 : Math.ceil(timeLimitSeconds) + limitSlackSeconds;
  return `${patience} ${limit}\n`;
}
