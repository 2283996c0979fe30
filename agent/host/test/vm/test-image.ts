/**
 * The image under test, with a few files behind it that lead its capture to the test's disk: another plan, and the drivers a virtual machine needs.
 *
 * The kernel unpacks archives that stand one behind the other as one, later files over earlier ones; all else in the image is as it is. What is not tried is
 * the driver of the real target's disk.
 */
import type { ArmedPlan } from '../../../config/armed-plan.ts';
import { imagePaths } from '../../../config/armed-plan.ts';
import { encodeText } from '../../../binary/text.ts';
import { openModuleTree } from '../../../linux/module-tree.ts';
import { readModuleFile } from '../../../linux/module-file.ts';
import type { System } from '../../../sys/system.ts';
import { createCpioWriter, fileTypes } from '../../image/cpio.ts';
import { TestError } from '../test-error.ts';
import { testDiskFolder, testDiskUuid } from './test-disk.ts';

export type TestImageOptions = {
  readonly image: string;
  readonly kernelRelease: string;
  /** The plan in the image; `undefined`: it has none that is known. */
  readonly plan: ArmedPlan | undefined;
  readonly output: string;
};

const moduleFolder = '/usr/lib/kcapture/test-modules';
const wantedModules = ['virtio_pci', 'virtio_blk', 'ext4'];

/** @throws TestError `test/no-kernel`: the kernel cannot run in a virtual machine; LinuxError, FilesError, SinkError */
export function makeTestImage(system: System, { image, kernelRelease, plan, output }: TestImageOptions): void {
  const order = openModuleTree(system, kernelRelease).order(wantedModules, ['crypto-crc32c']);
  if (order.missing.length > 0) {
    const hint = 'Test with a kernel that has them: --kernel RELEASE.';
    throw new TestError(
      'test/no-kernel',
      `Cannot test kernel ${kernelRelease} in a virtual machine: it has no ${order.missing.join(', ')}`,
      { hint },
    );
  }
  const modules = order.modules.map((module) => ({
    path: `${moduleFolder}/${module.name}.ko`,
    content: readModuleFile(system, module.path),
  }));
  const files = [
    {
      path: imagePaths.plan,
      content: encodeText(
        JSON.stringify(
          testPlan(
            plan,
            kernelRelease,
            modules.map(({ path }) => path),
          ),
        ),
      ),
    },
    ...modules,
  ];
  const bytes = system.files.readBytes(image);
  const sink = system.createFile(output);
  let end = 0;
  const append = (piece: Uint8Array) => {
    sink.write(end, piece);
    end += piece.length;
  };
  try {
    append(bytes);
    // The kernel looks for the next archive at a multiple of four.
    append(new Uint8Array((4 - (bytes.length % 4)) % 4));
    writeFiles(append, files);
    sink.sync();
  } finally {
    sink.close();
  }
}

/** What the capture does there: all of the real plan but the targets. */
function testPlan(plan: ArmedPlan | undefined, kernelRelease: string, modules: readonly string[]): ArmedPlan {
  return {
    version: 1,
    builtAt: plan?.builtAt ?? new Date(0).toISOString(),
    kcapture: plan?.kcapture ?? { version: 'unknown', commit: 'unknown' },
    host: plan?.host ?? 'localhost',
    machineId: plan?.machineId,
    kernelRelease,
    targets: [
      {
        kind: 'filesystem',
        wish: "the test's disk",
        device: `UUID=${testDiskUuid}`,
        fsType: 'ext4',
        options: '',
        folder: testDiskFolder,
        layers: [],
      },
    ],
    modules: [...(plan?.modules ?? []), ...modules],
    inputHash: plan?.inputHash ?? '',
  };
}

function writeFiles(append: (piece: Uint8Array) => void, files: readonly { readonly path: string; readonly content: Uint8Array }[]): void {
  const writer = createCpioWriter(append);
  const folders = new Set<string>();
  for (const { path } of files)
    for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) folders.add(path.slice(0, end));
  for (const path of [...folders].sort()) writer.add({ path, mode: fileTypes.folder | 0o755 });
  for (const { path, content } of files) writer.add({ path, mode: fileTypes.file | 0o600, content });
  writer.finish();
}
