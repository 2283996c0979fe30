/**
 * The kernel modules of one release: which there are, what each needs, which one serves a device, from the lists depmod writes.
 *
 * Works for any installed release, not only the running one. Names are written with `_`, as the kernel does.
 *
 * @source modules.dep(5), depmod(8), modprobe.d(5); Linux, scripts/mod/file2alias.c.
 */
import type { System } from '../sys/system.ts';
import { LinuxError } from './linux-error.ts';

export type KernelModule = { readonly name: string /** Absolute path of the `.ko`, maybe compressed. */; readonly path: string };

export type ModuleOrder = {
  /** In load order, dependencies first. Built-in ones are left out. */
  readonly modules: readonly KernelModule[];
  /** Wanted, but neither a module nor built in. */
  readonly missing: readonly string[];
};

export type ModuleTree = {
  readonly release: string;
  readonly folder: string;
  isBuiltIn(name: string): boolean;
  /** `undefined`: no such module; built-in ones have no file. */
  find(name: string): KernelModule | undefined;
  /** Names of modules whose aliases match, e.g. of `pci:v00001AF4d…` or `crypto-xts`. */
  byAlias(alias: string): readonly string[];
  /**
   * The wanted modules (names or aliases) and all they need.
   * @param optional as `wanted`, but not missed when they are not there; they come first.
   */
  order(wanted: readonly string[], optional?: readonly string[]): ModuleOrder;
};

type Alias = { readonly prefix: string; readonly pattern: string; readonly module: string };
type SoftDependency = { readonly before: readonly string[]; readonly after: readonly string[] };

/**
 * @param release as `uname -r` prints it.
 * @throws LinuxError `linux/no-modules` when the release is not installed or depmod never ran.
 */
export function openModuleTree({ files }: Pick<System, 'files'>, release: string): ModuleTree {
  const folder = ['/lib/modules', '/usr/lib/modules']
    .map((base) => `${base}/${release}`)
    .find((path) => files.status(`${path}/modules.dep`));
  if (folder === undefined || !/^[\w.+~-]+$/.test(release)) {
    throw new LinuxError(
      'linux/no-modules',
      `Cannot read the modules of kernel "${release}": "/lib/modules/${release}/modules.dep" is missing`,
      {
        hint: `Install the modules of that kernel, or run: depmod ${release}`,
      },
    );
  }
  const lines = (name: string) => (files.readTextIfThere(`${folder}/${name}`) ?? '').split('\n');
  return createModuleTree(release, folder, lines);
}

/** @param lines of one of depmod's files; none when it is missing. */
export function createModuleTree(release: string, folder: string, lines: (name: string) => readonly string[]): ModuleTree {
  const needs = parseDependencies(lines('modules.dep'));
  const paths = new Map(Array.from(needs.keys(), (path) => [moduleName(path), path]));
  const builtIn = new Set(lines('modules.builtin').map(moduleName));
  const aliases = lines('modules.alias').flatMap((line) => parseAlias(line) ?? []);
  const builtInAliases = parseBuiltInAliases(lines('modules.builtin.modinfo').join('\n'));
  const soft = parseSoftDependencies(lines('modules.softdep'));

  const find = (name: string) => {
    const path = paths.get(moduleName(name));
    return path === undefined ? undefined : { name: moduleName(path), path: path.startsWith('/') ? path : `${folder}/${path}` };
  };
  const isBuiltIn = (name: string) => builtIn.has(moduleName(name));
  const byAlias = (alias: string) => matchingModules(aliases, alias);

  function order(wanted: readonly string[], optional: readonly string[] = []): ModuleOrder {
    const modules: KernelModule[] = [];
    const missing: string[] = [];
    const seen = new Set<string>();
    const visit = (word: string, isNeeded: boolean) => {
      const module = find(word);
      if (module === undefined) return isBuiltIn(word) ? undefined : visitAlias(word, isNeeded);
      if (seen.has(module.name)) return;
      seen.add(module.name);
      const dependencies = needs.get(paths.get(module.name) as string) as readonly string[];
      for (const name of soft.get(module.name)?.before ?? []) visit(name, false);
      // depmod lists all of them, indirect ones too, the deepest last.
      for (const path of dependencies.toReversed()) visit(moduleName(path), true);
      modules.push(module);
      for (const name of soft.get(module.name)?.after ?? []) visit(name, false);
    };
    const visitAlias = (alias: string, isNeeded: boolean) => {
      const names = byAlias(alias).filter((name) => find(name)?.path.includes('/drivers/crypto/') !== true);
      for (const name of names) visit(name, isNeeded);
      if (names.length === 0 && isNeeded && matchingModules(builtInAliases, alias).length === 0) missing.push(alias);
    };
    for (const name of optional) visit(name, false);
    for (const name of wanted) visit(name, true);
    return { modules, missing };
  }
  return { release, folder, isBuiltIn, find, byAlias, order };
}

/** `kernel/fs/ext4/ext4.ko.xz` → `ext4`; `-` becomes `_`. */
export function moduleName(path: string): string {
  return (path.split('/').pop() as string).replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
}

function parseDependencies(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const needs = new Map<string, readonly string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0)
      needs.set(
        line.slice(0, colon),
        line
          .slice(colon + 1)
          .split(' ')
          .filter((word) => word !== ''),
      );
  }
  return needs;
}

function parseAlias(line: string): Alias | undefined {
  const [keyword, pattern, module] = line.split(' ');
  if (keyword !== 'alias' || module === undefined) return undefined;
  return { prefix: aliasPrefix(pattern), pattern, module: moduleName(module) };
}

/** Of modules built in: `module.alias=pattern`, each ended by NUL. */
function parseBuiltInAliases(text: string): readonly Alias[] {
  return text.split('\0').flatMap((entry) => {
    const [, module, pattern] = /^([^.=]+)\.alias=(.+)$/.exec(entry) ?? [];
    return pattern === undefined ? [] : [{ prefix: aliasPrefix(pattern), pattern, module: moduleName(module) }];
  });
}

function matchingModules(aliases: readonly Alias[], alias: string): readonly string[] {
  const prefix = aliasPrefix(alias);
  const matching = aliases.filter((row) => row.prefix === prefix && matchesPattern(row.pattern, alias));
  return [...new Set(matching.map(({ module }) => module))];
}

/** Patterns never have wildcards before the first colon: comparing that part first spares thousands of matches. */
function aliasPrefix(alias: string): string {
  const colon = alias.indexOf(':');
  return colon < 0 ? '' : alias.slice(0, colon);
}

function parseSoftDependencies(lines: readonly string[]): ReadonlyMap<string, SoftDependency> {
  const soft = new Map<string, SoftDependency>();
  for (const line of lines) {
    const [keyword, name, ...words] = line.split(/\s+/);
    if (keyword !== 'softdep' || name === undefined) continue;
    const before: string[] = [];
    const after: string[] = [];
    let list: string[] | undefined;
    for (const word of words) {
      if (word === 'pre:') list = before;
      else if (word === 'post:') list = after;
      else if (word !== '') list?.push(word);
    }
    soft.set(moduleName(name), { before, after });
  }
  return soft;
}

/** As fnmatch(3): `*`, `?` and `[…]`; `-` and `_` are the same, as for the kernel's tools. */
function matchesPattern(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  try {
    return new RegExp(`^${source}$`).test(text);
  } catch {
    return false;
  }
}
