/**
 * Reads the armed plan out of the image. It was written by this program, but what lies in an image can be damaged or made by hand: every member is checked, and a
 * plan that is not sound is no plan.
 */
import { type ArmedPlan, type ArmedTarget, type DeviceLayer, imagePaths } from '../config/armed-plan.ts';
import type { System } from '../sys/system.ts';
import { parseNetwork } from './parse-network.ts';
import { parseNetworkTarget } from './parse-network-target.ts';
import { PlanReader } from './plan-reader.ts';

const mostPlanBytes = 4 * 1024 * 1024;

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
    ...(plan.network === undefined ? {} : { network: parseNetwork(reader, plan.network, 'network') }),
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
  if (target.kind === 'nfs' || target.kind === 'remote') return parseNetworkTarget(reader, target, where);
  if (target.kind !== 'filesystem') {
    throw reader.bad(`${where}.kind`, String(target.kind).slice(0, 40), 'filesystem, raw, nfs, remote or unsupported');
  }
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
