/** What the host can do to a machine while it runs: a fault is what happens and when. */
import type { VmControl } from '../vm.ts';
import { overwriteMemory } from './guest-memory.ts';
import { type KernelPlace, placeOf } from './kernel-places.ts';
import { diskNode } from './machine-argv.ts';

export type FaultAction =
  /** The disk goes away, as when somebody pulls it. The kernel is told. */
  | { readonly kind: 'unplug'; readonly disk: string }
  /** Every request to the disk fails from now on. */
  | { readonly kind: 'die'; readonly disk: string }
  /** A dead disk works again. */
  | { readonly kind: 'revive'; readonly disk: string }
  /** Not more than this many writes a second. */
  | { readonly kind: 'slow'; readonly disk: string; readonly writesPerSecond: number }
  /** The disk takes requests to write and does not get through with them for minutes. */
  | { readonly kind: 'stall'; readonly disk: string }
  /** The network card's cable. */
  | { readonly kind: 'cable'; readonly plugged: boolean }
  /** Something on this host, to a server for instance. */
  | { readonly kind: 'host'; readonly run: () => void | Promise<void> }
  /** What the crashed kernel left there becomes rubbish. Its healthy self must have run `reportPlaces`. */
  | { readonly kind: 'spoil'; readonly place: KernelPlace }
  /** A non-maskable interrupt to all CPUs. */
  | { readonly kind: 'nmi' };

export type Fault = {
  /** `crash`: when the machine is about to crash. Else a pattern in what the capture kernel writes on the console. */
  readonly when: 'crash' | RegExp;
  readonly action: FaultAction;
};

export type Scene = {
  /** What the guest reported. */
  readonly report: ReadonlyMap<string, string>;
  /** A folder of this boot. */
  readonly folder: string;
  /** Called when the fault could not be brought about. */
  readonly onProblem: (message: string) => void;
};

/** Neither a pointer nor a length that makes sense. */
const rubbish = 0x6b;

export function applyFault(control: VmControl, action: FaultAction, scene: Scene): void {
  switch (action.kind) {
    case 'unplug':
      return control.execute('device_del', { id: `device-${action.disk}` });
    case 'die':
      return control.execute('blockdev-reopen', { options: [diskNode(action.disk, `dead-${action.disk}`)] });
    case 'revive':
      return control.execute('blockdev-reopen', { options: [diskNode(action.disk)] });
    case 'slow':
      return control.execute('qom-set', {
        path: `/objects/limits-${action.disk}`,
        property: 'limits',
        value: { 'iops-write': action.writesPerSecond },
      });
    case 'stall':
      return control.execute('qom-set', {
        path: `/objects/limits-${action.disk}`,
        property: 'limits',
        value: { 'bps-write': 1000 },
      });
    case 'spoil':
      spoil(control, action.place, scene).catch((error: Error) => scene.onProblem(error.message));
      return;
    case 'cable':
      return control.execute('set_link', { name: 'device-network', up: action.plugged });
    case 'host':
      Promise.resolve()
        .then(action.run)
        .catch((error: Error) => scene.onProblem(error.message));
      return;
    case 'nmi':
      return control.execute('inject-nmi');
  }
}

async function spoil(control: VmControl, place: KernelPlace, { report, folder }: Scene): Promise<void> {
  const { address, sizeBytes } = placeOf(place, report);
  await overwriteMemory(control, `${folder}/debugger`, address, new Uint8Array(sizeBytes).fill(rubbish));
}
