/**
 * What an image must hold, as paths on this machine: the plan, and beside it every file, program, library, module and firmware it leads to.
 *
 * Files that must be made first (plan, decompressed modules, …) are written to a staging folder of the release, replaced each time.
 */
import { dirname } from 'node:path';
import { type ArmedPlan, imagePaths } from '../../config/armed-plan.ts';
import type { Configuration } from '../../config/configuration.ts';
import { credentialsRoot } from '../../config/credentials.ts';
import type { System } from '../../sys/system.ts';
import captureScript from '../../../hooks/capture.sh' with { type: 'text' };
import initScript from '../../../hooks/init.sh' with { type: 'text' };
import { readElfNeeds } from '../image/elf-needs.ts';
import { collectLibraries, findRuntimeLibrary } from '../image/library-closure.ts';
import { ensurePayload, type Payload } from '../image/payload.ts';
import { shellTools } from '../image/shell-tools.ts';
import { stagingFolder } from '../paths.ts';
import { moduleImagePath, type ResolvedPlan, type ResolveOptions, resolvePlan } from '../resolve-plan.ts';
import { guardLine } from './guard-line.ts';
import { imageWords } from './image-words.ts';
import type { Consumer, RequiredFile, Requirements } from './requirements.ts';
import { readModules } from './stage-modules.ts';

export type CollectOptions = ResolveOptions & { readonly consumer: Consumer; readonly configuration: Configuration };

/**
 * @throws LinuxError `linux/no-modules`, `linux/bad-module`; ImageError; FilesError.
 */
export function collectRequirements(system: System, options: CollectOptions): Requirements {
  const { consumer, configuration, kernelRelease } = options;
  const resolved = resolvePlan(system, configuration, options);
  const payload = ensurePayload(system, kernelRelease);
  const folder = stagingFolder(kernelRelease);
  system.files.removeTree(folder);
  system.files.makeFolder(folder, 0o700);
  const stage = (name: string, content: string | Uint8Array, destination: string, mode: number): RequiredFile => {
    system.files.write(`${folder}/${name}`, content, mode);
    return { source: `${folder}/${name}`, destination, mode };
  };
  const modules = [...resolved.earlyModules, ...resolved.modules];
  const read = readModules(system, modules);
  const commandLineWords = imageWords(system, kernelRelease, read.areSigned);
  const plan = { ...resolved.plan, commandLineWords };
  const files = [
    stage('kcapture.conf', readConfigurationText(system, configuration), imagePaths.configuration, 0o600),
    stage('armed.json', formatPlan(plan), imagePaths.plan, 0o600),
    stage('guard', guardLine(configuration), imagePaths.guard, 0o644),
    stage('capture.sh', captureScript, imagePaths.captureScript, 0o755),
    ...(consumer === 'image' ? [stage('init', initScript, '/init', 0o755)] : []),
    stage('early-modules', resolved.earlyModules.map((module) => `${moduleImagePath(module)}\n`).join(''), imagePaths.earlyModules, 0o644),
    payloadFile(payload),
    ...read.modules.map(({ module, bytes }) => stage(`${module.name}.ko`, bytes, moduleImagePath(module), 0o644)),
    ...resolved.keyFiles,
  ];
  const libraries = findLibraries(system, resolved);
  const tools = shellTools(system, consumer);
  return {
    consumer,
    kernelRelease,
    plan,
    folders: closedFolders(files),
    files,
    programs: [...new Set([...tools.programs, ...resolved.programs])],
    links: tools.links,
    libraries: [...new Set([...linkedLibraries(system), ...libraries.paths])],
    modules: modules.map(({ name, path }) => ({ name, path })),
    firmware: read.firmware,
    commandLineWords,
    warnings: [...resolved.warnings, ...libraries.warnings, ...payload.warnings],
  };
}

/** Those that hold credentials, as on the machine itself. */
function closedFolders(files: readonly RequiredFile[]): readonly { readonly path: string; readonly mode: number }[] {
  const folders = files.map(({ destination }) => dirname(destination)).filter((path) => path.startsWith(`${credentialsRoot}/`));
  return folders.length === 0 ? [] : [credentialsRoot, ...new Set(folders)].map((path) => ({ path, mode: 0o700 }));
}

export function formatPlan(plan: ArmedPlan): string {
  return `${JSON.stringify(plan, undefined, 2)}\n`;
}

function payloadFile({ kind, path }: Payload): RequiredFile {
  return kind === 'squashfs'
    ? { source: path, destination: imagePaths.payload, mode: 0o644 }
    : { source: path, destination: imagePaths.plainExecutable, mode: 0o755 };
}

function readConfigurationText({ files }: System, { source }: Configuration): string {
  return source === undefined ? '' : (files.readTextIfThere(source) ?? '');
}

/** The executable's own: inside a squashfs no generator sees what it is linked to. */
function linkedLibraries(system: System): readonly string[] {
  return collectLibraries(system, [system.executablePath]).map(({ source }) => source);
}

function findLibraries(system: System, { libraries }: ResolvedPlan): { paths: readonly string[]; warnings: readonly string[] } {
  const paths: string[] = [];
  const warnings: string[] = [];
  const machine = readElfNeeds(system.files.readAt(system.executablePath, 0, 64 * 1024))?.machine ?? 0;
  for (const name of libraries) {
    const path = findRuntimeLibrary(system, name, machine);
    if (path === undefined) warnings.push(`The library ${name} is not installed: a program in the image may fail for want of it.`);
    else paths.push(path);
  }
  return { paths, warnings };
}
