import t from 'tap';
import { encodeText } from '../binary/text.ts';
import type { ArmedPlan, ArmedTarget } from '../config/armed-plan.ts';
import { buildMessage, messageHead } from '../linux/netlink/message.ts';
import { type CaptureMachineOptions, captureSettings, captureTime, createCaptureMachine } from '../testing/capture-machine.ts';
import { capture } from './capture.ts';

const card = '02:00:00:00:00:0a';
const plan: ArmedPlan = {
  version: 1,
  builtAt: '2022-01-01T00:00:00.000Z',
  kcapture: { version: '1', commit: '' },
  host: 'test',
  machineId: undefined,
  kernelRelease: '',
  targets: [],
  modules: [],
  inputHash: '',
  network: {
    links: [{ kind: 'device', name: 'ens3', address: card, permanentAddress: card, driver: 'virtio_net', mtu: 1500, master: undefined }],
    addresses: [{ link: 'ens3', address: '192.0.2.7/24', validUntilMs: undefined }],
    routes: [],
    nameServers: [],
    searchDomains: [],
    leased: [],
  },
};
const folder = { kind: 'folder', wish: 'the disk', folder: '/target' } as const;

function server(wish: string): ArmedTarget {
  return { kind: 'nfs', wish, host: 'files', addresses: ['192.0.2.1'], exported: '/srv', options: '', folder: '/' };
}

/** A kernel that has its loopback and no other link. */
function loopbackAlone(asked: number[]): CaptureMachineOptions['kernel'] {
  const loopback = buildMessage(16, 0, Uint8Array.of(0, 0, 4, 3, 1, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0), [[3, encodeText('lo\0')]]);
  return {
    routeNetlink(request) {
      asked.push(messageHead.read(request).type);
      return [loopback];
    },
    permanentAddress: () => undefined,
  };
}

t.test('a disk that comes first waits for no network, and its run sets no clock', async (t) => {
  const asked: number[] = [];
  const kernel = { ...loopbackAlone(asked), wallClockMs: () => 0 };
  const machine = await createCaptureMachine(t, { kernel });
  const result = capture(machine.system, captureSettings({ plan, targets: [folder, server('the server')] }));
  t.match(result, { status: 'complete', failedTargets: [] });
  t.same(asked, []);
});

t.test('a network that cannot be put up costs the targets on it, and each tries again with less time', async (t) => {
  const asked: number[] = [];
  const machine = await createCaptureMachine(t, { kernel: loopbackAlone(asked) });
  const startedAt = machine.clock.ms;
  const targets = [server('one'), server('two'), folder];
  const settings = captureSettings({ plan, targets, unattended: false }, { deviceTimeoutSeconds: 60 });
  const result = capture(machine.system, settings);
  const why = `Cannot put the network up: ens3 (${card}, virtio_net) did not appear; there is no network device`;
  t.match(result, {
    status: 'complete',
    failedTargets: [
      { target: 'one', why },
      { target: 'two', why },
    ],
  });
  const waitedMs = machine.clock.ms - startedAt;
  t.ok(waitedMs >= 35_000 && waitedMs < 45_000, `half a minute, then five seconds: ${waitedMs}`);
  t.match(
    machine.read(
      `/target/${
        machine
          .list('/target')
          .find((file) => file.includes('kcapture.log'))
          ?.split(' ')[0]
      }`,
    ),
    why,
  );
});

t.test('the clock is right before anything is sent, and is set once', async (t) => {
  const set: number[] = [];
  const wall = { ms: 5_000 };
  const kernel = {
    ...loopbackAlone([]),
    wallClockMs: () => wall.ms,
    setWallClock: (ms: number) => {
      set.push(ms);
      wall.ms = ms;
    },
  };
  const machine = await createCaptureMachine(t, { kernel, files: { '/proc/uptime': '20.00 1.00\n' } });
  capture(machine.system, captureSettings({ plan, targets: [server('one'), server('two'), folder] }));
  t.equal(set.length, 1);
  t.equal(new Date(set[0]).getUTCFullYear(), 2023, 'when the kernel crashed');
  t.ok(set[0] < captureTime);
});

t.test('outside a capture kernel the network is the machine’s own business', async (t) => {
  const asked: number[] = [];
  const machine = await createCaptureMachine(t, { kernel: loopbackAlone(asked) });
  capture(machine.system, captureSettings({ plan, targets: [server('one'), folder], inCaptureKernel: false, unattended: false }));
  t.same(asked, []);
});
