/**
 * Reads the armed plan out of the image. It was written by this program, but what lies in an image can be damaged or made by hand: every member is checked, and a
 * plan that is not sound is no plan.
 */
import { type ArmedPlan, type ArmedTarget, type DeviceLayer, imagePaths } from '../config/armed-plan.ts';
import type { System } from '../sys/system.ts';
import { CaptureError } from './capture-error.ts';

const mostPlanBytes = 4 * 1024 * 1024;
const mostEntries = 4096;
const mostText = 4096;

/**
 * `undefined` when there is no plan.
 * @throws CaptureError `capture/bad-plan`
 */
export function readPlan(system: Pick<System, 'files'>, path: string = imagePaths.plan): ArmedPlan | undefined {
  const text = system.files.readTextIfThere(path, mostPlanBytes);
  return text === undefined ? undefined : parsePlan(text, path);
}

/** @throws CaptureError `capture/bad-plan` naming the member that is wrong. */
export function parsePlan(text: string, path = 'the plan'): ArmedPlan {
  const reader = new PlanReader(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw reader.bad('', 'no JSON', 'the JSON that "kcapture load" writes', cause);
  }
  const plan = reader.object(value, '');
  if (plan.version !== 1) throw reader.bad('version', String(plan.version).slice(0, 40), '1');
  const built = reader.object(plan.kcapture, 'kcapture');
  return {
    version: 1,
    builtAt: reader.text(plan.builtAt, 'builtAt'),
    kcapture: { version: reader.text(built.version, 'kcapture.version'), commit: reader.text(built.commit, 'kcapture.commit') },
    host: reader.text(plan.host, 'host'),
    machineId: reader.optionalText(plan.machineId, 'machineId'),
    kernelRelease: reader.text(plan.kernelRelease, 'kernelRelease'),
    targets: reader.list(plan.targets, 'targets').map((target, index) => parseTarget(reader, target, `targets[${index}]`)),
    ...(plan.root === undefined ? {} : { root: parseTarget(reader, plan.root, 'root') }),
    modules: reader.list(plan.modules, 'modules').map((module, index) => reader.absolute(module, `modules[${index}]`)),
    inputHash: reader.text(plan.inputHash, 'inputHash'),
  };
}

function parseTarget(reader: PlanReader, value: unknown, where: string): ArmedTarget {
  const target = reader.object(value, where);
  const wish = reader.text(target.wish, `${where}.wish`);
  if (target.kind === 'unsupported') return { kind: 'unsupported', wish, why: reader.text(target.why, `${where}.why`) };
  const layers = () =>
    reader.list(target.layers, `${where}.layers`).map((layer, index) => parseLayer(reader, layer, `${where}.layers[${index}]`));
  const device = () => reader.nonEmpty(target.device, `${where}.device`);
  if (target.kind === 'raw') return { kind: 'raw', wish, device: device(), layers: layers() };
  if (target.kind !== 'filesystem') throw reader.bad(`${where}.kind`, String(target.kind).slice(0, 40), 'filesystem, raw or unsupported');
  return {
    kind: 'filesystem',
    wish,
    device: device(),
    fsType: reader.nonEmpty(target.fsType, `${where}.fsType`),
    options: reader.text(target.options, `${where}.options`),
    folder: reader.absolute(target.folder, `${where}.folder`),
    layers: layers(),
  };
}

function parseLayer(reader: PlanReader, value: unknown, where: string): DeviceLayer {
  const layer = reader.object(value, where);
  const name = (member: string) => reader.word(layer[member], `${where}.${member}`);
  if (layer.kind === 'md') return { kind: 'md', uuid: name('uuid') };
  if (layer.kind === 'lvm') return { kind: 'lvm', volumeGroup: name('volumeGroup'), logicalVolume: name('logicalVolume') };
  if (layer.kind !== 'luks') throw reader.bad(`${where}.kind`, String(layer.kind).slice(0, 40), 'luks, lvm or md');
  const keyFile = layer.keyFile === undefined || layer.keyFile === null ? undefined : reader.absolute(layer.keyFile, `${where}.keyFile`);
  return { kind: 'luks', uuid: name('uuid'), name: name('name'), keyFile };
}

/** Takes unknown values for what they should be, or says what they are. */
class PlanReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  object(value: unknown, where: string): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.bad(where, kindOf(value), 'an object');
  }

  list(value: unknown, where: string): readonly unknown[] {
    if (Array.isArray(value) && value.length <= mostEntries) return value;
    throw this.bad(where, Array.isArray(value) ? `${value.length} entries` : kindOf(value), `a list of at most ${mostEntries}`);
  }

  text(value: unknown, where: string): string {
    if (typeof value === 'string' && value.length <= mostText && !value.includes('\0')) return value;
    throw this.bad(where, kindOf(value), `a text of at most ${mostText} characters`);
  }

  nonEmpty(value: unknown, where: string): string {
    const text = this.text(value, where);
    if (text !== '') return text;
    throw this.bad(where, 'an empty text', 'something');
  }

  optionalText(value: unknown, where: string): string | undefined {
    return value === undefined || value === null ? undefined : this.text(value, where);
  }

  absolute(value: unknown, where: string): string {
    const text = this.text(value, where);
    if (text.startsWith('/') && !text.split('/').includes('..')) return text;
    throw this.bad(where, `"${text.slice(0, 80)}"`, 'an absolute path without ".."');
  }

  /** What becomes an argument of a program: never an option, never a path to elsewhere. */
  word(value: unknown, where: string): string {
    const text = this.text(value, where);
    if (/^[A-Za-z0-9_+.:][A-Za-z0-9_+.:-]*$/.test(text) && !text.startsWith('..')) return text;
    throw this.bad(where, `"${text.slice(0, 80)}"`, 'letters, digits and "_+.:-"');
  }

  bad(where: string, found: string, wanted: string, cause?: unknown): CaptureError {
    const member = where === '' ? '' : ` member ${where}`;
    return new CaptureError('capture/bad-plan', `Cannot use${member} of "${this.#path}": found ${found}, expected ${wanted}`, {
      where: this.#path,
      cause,
      hint: 'Make the image anew',
    });
  }
}

function kindOf(value: unknown): string {
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'string'
        ? `a text of ${value.length} characters`
        : typeof value;
}
