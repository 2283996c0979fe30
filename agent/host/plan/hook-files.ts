/**
 * The administrator's own programs that run in the capture kernel: hooks of the configuration and of the drop-in folders, extra programs,
 * a collector of his own.
 */
import type { Configuration } from '../../config/configuration.ts';
import { hookFolders } from '../../config/defaults.ts';
import { decodeText } from '../../binary/text.ts';
import type { System } from '../../sys/system.ts';

export type OwnPrograms = {
  /** Absolute paths; each stands at the same place in the image. */
  readonly programs: readonly string[];
  readonly warnings: readonly string[];
};

export function collectOwnPrograms(system: System, configuration: Configuration): OwnPrograms {
  const { preHooks, postHooks, emergencyHooks, extraPrograms, collector } = configuration;
  const dropIns = Object.values(hookFolders).flatMap((folder) => system.files.list(folder).map((name) => `${folder}/${name}`));
  const named = [
    ...preHooks,
    ...postHooks,
    ...emergencyHooks,
    ...extraPrograms,
    ...(collector.kind === 'program' ? collector.argv.slice(0, 1) : []),
  ];
  const found = new Set<string>();
  const warnings: string[] = [];
  const add = (word: string, by: string) => {
    const path = word.startsWith('/') && system.files.status(word)?.kind === 'file' ? word : system.programs.find(word);
    if (path === undefined) warnings.push(`The program "${word}" (${by}) is not on this machine: it will be missing in the image.`);
    else if (!found.has(path)) {
      found.add(path);
      const interpreter = readInterpreter(system, path);
      if (interpreter !== undefined) add(interpreter, `runs ${path}`);
    }
  };
  for (const path of dropIns.filter((one) => isProgram(system, one))) add(path, 'hook');
  for (const word of named) add(word, 'named in the configuration');
  return { programs: [...found], warnings };
}

function isProgram({ files }: System, path: string): boolean {
  const status = files.status(path);
  return status?.kind === 'file' && (status.mode & 0o111) !== 0;
}

/** `#!/usr/bin/env NAME` and `#!/bin/sh`: the program that reads a script. */
function readInterpreter({ files }: System, path: string): string | undefined {
  const [firstLine] = decodeText(files.readAt(path, 0, 256)).split('\n');
  const [, program, word] = /^#!\s*(\S+)(?:\s+(\S+))?/.exec(firstLine) ?? [];
  return program?.endsWith('/env') && word !== undefined && !word.startsWith('-') ? word : program;
}
