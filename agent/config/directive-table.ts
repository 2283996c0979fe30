/** Every word of the configuration, in the order of the reference. */
import type { Directive } from './directive.ts';
import { dumpDirectives } from './directives/dump.ts';
import { imageDirectives } from './directives/image.ts';
import { keepDirectives } from './directives/keep.ts';
import { runDirectives } from './directives/run.ts';
import { targetDirectives } from './directives/targets.ts';

export const directives: readonly Directive[] = [
  ...targetDirectives,
  ...dumpDirectives,
  ...keepDirectives,
  ...runDirectives,
  ...imageDirectives,
];

const byName = new Map<string, Directive>();
for (const directive of directives) {
  byName.set(directive.name, directive);
  if (directive.formerName !== undefined) byName.set(directive.formerName, directive);
}

/** By its name or its former name. */
export function findDirective(name: string): Directive | undefined {
  return byName.get(name);
}

export const directiveNames: readonly string[] = [...byName.keys()];
