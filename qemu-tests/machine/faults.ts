/** What the host can do to a machine while it runs: a fault is what happens and when. */
import type { VmControl } from '../vm.ts';
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
  /** A non-maskable interrupt to all CPUs. */
  | { readonly kind: 'nmi' };

export type Fault = {
  /** `crash`: when the machine is about to crash. Else a pattern in what the capture kernel writes on the console. */
  readonly when: 'crash' | RegExp;
  readonly action: FaultAction;
};

export function applyFault(control: VmControl, action: FaultAction): void {
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
    case 'nmi':
      return control.execute('inject-nmi');
  }
}
