import t, { type Test } from 'tap';
import { silentProgress } from '../dump/progress.ts';
import { createCaptureMachine } from '../testing/capture-machine.ts';
import { VmcoreError } from '../vmcore/memory-file.ts';
import { copySource } from './copy-source.ts';

const bytes = Uint8Array.from({ length: 3 * 1024 * 1024 + 100 }, (_, index) => index % 251);

/** The source, with stretches that cannot be read. */
async function setUp(t: Test, bad: (offset: number, end: number) => boolean) {
  return await createCaptureMachine(t, {
    files: { '/core': bytes },
    system: (base) => ({
      openFile: (path) => ({
        path,
        sizeBytes: bytes.length,
        read(offset, target) {
          if (bad(offset, offset + target.length)) throw new VmcoreError('vmcore/io', 'Cannot read');
          target.set(bytes.subarray(offset, offset + target.length));
        },
        openWindow: () => base.openFile(path).openWindow(1),
        close() {},
      }),
    }),
  });
}

t.test('a copy is the source', async (t) => {
  const { system } = await setUp(t, () => false);
  t.match(copySource(system, { source: '/core', path: '/out' }, silentProgress), {
    path: '/out',
    writtenBytes: bytes.length,
    unreadableBytes: 0,
    problem: undefined,
  });
  t.ok(Buffer.from(system.files.readBytes('/out')).equals(bytes));
});

t.test('what cannot be read stands as zeros, 4 KiB at a time', async (t) => {
  const { system } = await setUp(t, (offset, end) => offset < 0x101000 && end > 0x100fff);
  t.match(copySource(system, { source: '/core', path: '/out' }, silentProgress), { unreadableBytes: 4096, problem: undefined });
  const expected = bytes.slice();
  expected.fill(0, 0x100000, 0x101000);
  t.ok(Buffer.from(system.files.readBytes('/out')).equals(expected));
});

t.test('an error on the way keeps what is there, under the name that says incomplete', async (t) => {
  const { system } = await setUp(t, () => false);
  let updates = 0;
  const update = () => {
    if (++updates === 2) throw new VmcoreError('vmcore/io', 'enough');
  };
  const result = copySource(system, { source: '/core', path: '/out' }, { ...silentProgress, update });
  t.match(result, { path: '/out-incomplete', writtenBytes: 2 * 1024 * 1024, problem: { message: 'enough' } });
  t.equal(system.files.status('/out-incomplete')?.sizeBytes, 2 * 1024 * 1024);
  t.notOk(system.exists('/out'));
});
