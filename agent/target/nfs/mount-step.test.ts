/** Both ends of the conversation, in one process. */
import t, { type Test } from 'tap';
import { KernelCallError } from '../../sys/kernel-error.ts';
import type { MountRequest } from '../../sys/kernel-interface.ts';
import type { ProgramResult } from '../../sys/programs-interface.ts';
import type { System } from '../../sys/system.ts';
import { createCaptureMachine } from '../../testing/capture-machine.ts';
import { mountWithin, runMountStep, unmountWithin } from './mount-step.ts';

const request: MountRequest = { source: 'srv:/export', target: '/run/kcapture/target/0', fsType: 'nfs', options: 'rw,vers=4.2' };

/** A machine whose programs are the other end. */
async function connect(t: Test, mount: (request: MountRequest) => void): Promise<System> {
  const { system } = await createCaptureMachine(t, { kernel: { mount } });
  return { ...system, programs: { find: () => undefined, run: (argv, options) => answer(system, argv, options?.input ?? '') } };
}

function answer(system: System, argv: readonly string[], input: string | Uint8Array): ProgramResult {
  if (argv[0] !== system.executablePath || argv[1] !== 'mount-step') return { status: 127, stdout: '', stderr: 'not this program' };
  let rest = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  let stdout = '';
  runMountStep({
    ...system,
    readStandardInput(target) {
      const piece = rest.subarray(0, Math.min(7, target.length));
      target.set(piece);
      rest = rest.subarray(piece.length);
      return piece.length;
    },
    print: (text) => {
      stdout += text;
    },
  });
  return { status: 0, stdout, stderr: '' };
}

t.test('what is to be mounted arrives whole, and that it is mounted comes back', async (t) => {
  const mounted: MountRequest[] = [];
  const system = await connect(t, (each) => void mounted.push(each));
  t.same(mountWithin(system, request, 1000), { mounted: true });
  t.same(mounted, [request]);
});

t.test('what is to be unmounted is detached at once', async (t) => {
  const unmounted: unknown[] = [];
  const { system } = await createCaptureMachine(t, { kernel: { unmount: (...words) => void unmounted.push(words) } });
  const programs: System['programs'] = { find: () => undefined, run: (argv, options) => answer(system, argv, options?.input ?? '') };
  unmountWithin({ ...system, programs }, '/run/kcapture/target/0', 1000);
  t.same(unmounted, [['/run/kcapture/target/0', { lazy: true }]]);
});

t.test('the name of the error comes back', async (t) => {
  const system = await connect(t, () => {
    throw new KernelCallError('EACCES', 'Cannot mount srv:/export: permission denied');
  });
  t.match(mountWithin(system, request, 1000), { mounted: false, errno: 'EACCES', reason: /permission denied/ });
});

t.test('a process that does not end, ends badly or says something else is a mount that failed', async (t) => {
  const { system } = await createCaptureMachine(t);
  const ending = (result: Partial<ProgramResult>) =>
    mountWithin(
      { ...system, programs: { find: () => undefined, run: () => ({ status: 0, stdout: '', stderr: '', ...result }) } },
      request,
      5000,
    );
  t.match(ending({ status: 124 }), { mounted: false, errno: 'TIME', reason: 'no answer within 5 s' });
  t.match(ending({ status: 137, stderr: 'Killed\n' }), {
    mounted: false,
    errno: '',
    reason: 'the process that mounts ended with 137: Killed',
  });
  for (const stdout of ['', 'null', '[]', '{"mounted":1}', '{"mounted":false,"errno":5}', '{"mounted":fal']) {
    t.match(ending({ stdout }), { mounted: false, errno: '', reason: /ended with 0/ }, stdout);
  }
});

t.test('called by hand it mounts nothing', async (t) => {
  const { system, calls } = await createCaptureMachine(t, { kernel: { mount: () => t.fail('it mounted') } });
  const read = (text: string) => runMountStep({ ...system, ...inputOf(text) });
  const whole = JSON.stringify(request);
  for (let length = 0; length < whole.length; length++) t.throws(() => read(whole.slice(0, length)), { code: 'target/mount' });
  for (const text of ['null', '7', '{"source":1}', JSON.stringify({ ...request, options: null }), 'x'.repeat(200_000)]) {
    t.throws(() => read(text), { code: 'target/mount' }, text.slice(0, 20));
  }
  t.same(calls, []);
});

function inputOf(text: string): Pick<System, 'readStandardInput'> {
  let rest = new TextEncoder().encode(text);
  return {
    readStandardInput(target) {
      const count = Math.min(rest.length, target.length);
      target.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
  };
}
