/** What was found out about a server when it was tried: kept beside its credentials as `server.json`. */
import { parseJsonObject } from '../../binary/json-object.ts';
import type { System } from '../../sys/system.ts';

export type ServerFacts = {
  /** Of the target, without secrets. */
  readonly url: string | undefined;
  /** It renames files (http: MOVE). */
  readonly canRename: boolean;
  /** Measured when it was tried; `undefined`: it was not. */
  readonly bytesPerSecond: number | undefined;
  /** ISO 8601, UTC. */
  readonly checkedAt: string | undefined;
};

const name = 'server.json';

/** Never throws: without the file, or with one that makes no sense, nothing is known. */
export function readServerFacts({ files }: Pick<System, 'files'>, folder: string): ServerFacts {
  const facts = parseJsonObject(files.readTextIfThere(`${folder}/${name}`, 64 * 1024) ?? '') ?? {};
  const { url, canRename, bytesPerSecond, checkedAt } = facts;
  return {
    url: typeof url === 'string' ? url : undefined,
    canRename: canRename === true,
    bytesPerSecond: typeof bytesPerSecond === 'number' && bytesPerSecond > 0 ? bytesPerSecond : undefined,
    checkedAt: typeof checkedAt === 'string' && !Number.isNaN(Date.parse(checkedAt)) ? checkedAt : undefined,
  };
}

export function writeServerFacts({ files }: Pick<System, 'files'>, folder: string, facts: ServerFacts): void {
  files.write(`${folder}/${name}`, `${JSON.stringify({ version: 1, ...facts }, undefined, 2)}\n`, 0o600);
}
