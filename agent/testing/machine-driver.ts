/**
 * Runs under Bun what the product does to the machine through `Files`, `Programs` and `KernelCalls`. Prints one JSON object.
 *
 *     bun machine-driver.ts files FOLDER           the file scenario below a folder
 *     bun machine-driver.ts programs FOLDER        the program scenario, with a folder to work in
 *     bun machine-driver.ts pipes FOLDER           what only real pipes give
 *     bun machine-driver.ts post URL TIMEOUT       one request
 *     bun machine-driver.ts calls FOLDER           kernel calls that fail, and those that change nothing
 *     bun machine-driver.ts mounts FOLDER IMAGE    mounts in a mount namespace of its own; IMAGE is a file system in a file, IMAGE-TYPE its type
 */
import { closeSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createBunSystem } from '../sys/bun-system.ts';
import { attachInTwoSteps, attachLoopDevice } from '../sys/loop-device.ts';
import { createFiles } from '../sys/machine-files.ts';
import { outcomeOf, runFileScenario } from './file-scenario.ts';
import { runProgramScenario } from './program-scenario.ts';

const system = createBunSystem();
const { kernel } = system;
const [action, ...words] = process.argv.slice(2);
const actions: Readonly<Record<string, () => unknown>> = {
  files: () => runFileScenario(createFiles({ root: words[0] })),
  programs: () => runProgramScenario(system.programs, words[0]),
  pipes: () => tryPipes(words[0]),
  post: () => system.postJson(words[0], { sent: 'ä' }, { timeoutMs: Number(words[1]), headers: { 'x-own': 'yes' } }),
  calls: () => tryCalls(words[0]),
  mounts: () => tryMounts(words[0], words[1], words[2]),
};
system.print(JSON.stringify(await actions[action]()));

function tryPipes(folder: string): unknown {
  const { run } = system.programs;
  const script = (text: string, options = {}) => run(['sh', '-c', text, 'sh', folder], options);
  const bytes = 5_000_000;
  const through = run(['cat'], { input: 'ä'.repeat(bytes / 2) });
  writeFileSync(`${folder}/no-program`, 'echo', { mode: 0o755 });
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  for (let count = 0; count < 30; count++) {
    script('exit 1', { input: 'x' });
    run([`${folder}/no-program`]);
    run(['true'], { attached: true });
  }
  const leaked = descriptors() - before;
  const { status, stdout } = script('echo ready; sleep 1000 & echo $!; exit 5');
  const child = Number(stdout.split('\n')[1]);
  const childLived = outcomeOf(() => process.kill(child, 'SIGKILL'));
  return {
    'opened again': script('echo out > /dev/stdout; echo err > /dev/stderr'),
    'more than a pipe holds': [through.status, through.stdout === 'ä'.repeat(bytes / 2)],
    'both outputs at once': script(`head -c ${bytes} /dev/zero | tee /dev/stderr`).stderr.length,
    'closed early': script('exec >&- 2>&-; sleep 0.1; exit 4'),
    'its descriptors': run(['ls', '/proc/self/fd']).stdout.split('\n').length - 1,
    'signals it ignores': /^SigIgn:\s+(\w+)$/m.exec(run(['cat', '/proc/self/status']).stdout)?.[1],
    'signals it blocks': /^SigBlk:\s+(\w+)$/m.exec(run(['cat', '/proc/self/status']).stdout)?.[1],
    'no program': run([`${folder}/no-program`]),
    'a long word': run(['echo', 'x'.repeat(200_000)]).status,
    'input while attached': script('exit 6', { attached: true }).status,
    'killed when it writes too much': script('echo $$ > "$1/pid"; yes').status,
    'and it is gone': outcomeOf(() => process.kill(Number(readFileSync(`${folder}/pid`, 'latin1')), 0)) !== null,
    'left behind': [status, stdout.startsWith('ready\n'), childLived],
    leaked,
  };
}

function tryCalls(folder: string): unknown {
  const place = `${folder}/none`;
  const long = 'x'.repeat(70_000);
  return {
    'mount nothing': outcomeOf(() => kernel.mount({ source: place, target: place, fsType: 'ext4' })),
    'mount a text with a NUL': outcomeOf(() => kernel.mount({ source: 'a\0b', target: place, fsType: 'ext4' })),
    'mount with a long text': outcomeOf(() => kernel.mount({ source: place, target: place, fsType: 'ext4', options: long })),
    'unmount nothing': outcomeOf(() => kernel.unmount(place)),
    'sync nothing': outcomeOf(() => kernel.syncFileSystem(place)),
    'sync a folder': outcomeOf(() => kernel.syncFileSystem(folder)),
    'load no module': outcomeOf(() => kernel.loadModule(place)),
    'load no kernel': outcomeOf(() => kernel.kexecFileLoad({ kernel: place, initramfs: undefined, commandLine: '', onCrash: true })),
    'load with a long line': outcomeOf(() =>
      kernel.kexecFileLoad({ kernel: '/dev/null', initramfs: undefined, commandLine: long, onCrash: true }),
    ),
    'size of no device': outcomeOf(() => kernel.blockDeviceSize('/dev/null')),
    'attach nothing': outcomeOf(() => kernel.attachLoop(place)),
    'no watchdog': outcomeOf(() => kernel.openWatchdog(place, 10)),
    'a file is no watchdog': outcomeOf(() => {
      writeFileSync(`${folder}/file`, '');
      const watchdog = kernel.openWatchdog(`${folder}/file`, 10);
      return [watchdog.timeoutSeconds, outcomeOf(() => watchdog.feed()), outcomeOf(() => watchdog.disarm())];
    }),
    'cached bytes before and after': outcomeOf(() => {
      const path = `${folder}/cached`;
      const cached = () => Number(system.programs.run(['fincore', '--bytes', '--noheadings', '--output', 'res', path]).stdout.trim());
      system.files.write(path, new Uint8Array(9_000_000).fill(1));
      const before = cached();
      system.files.sha256(path);
      return [before >= 9_000_000, cached()];
    }),
    user: kernel.effectiveUserId(),
    cpus: kernel.onlineCpus(),
    names: kernel.utsname(),
    descriptors: readdirSync('/proc/self/fd').length,
  };
}

/** Everything happens in a mount namespace that ends with this process. */
function tryMounts(folder: string, image: string, imageType: string): unknown {
  const { files } = system;
  const mounted = (path: string) =>
    readFileSync('/proc/self/mountinfo', 'latin1')
      .split('\n')
      .filter((line) => line.split(' ')[4] === path)
      .map((line) => `${line.split(' ')[5]} ${line.split(' - ')[1].split(' ')[0]}`);
  const [tmpfs, bound, inside] = ['tmpfs', 'bound', 'image'].map((name) => `${folder}/${name}`);
  const outcomes: Record<string, unknown> = {};
  const keep = (name: string, step: () => unknown) => {
    outcomes[name] = outcomeOf(step);
  };
  const makeAll = () => [tmpfs, bound, inside].map((path) => files.makeFolder(path));
  makeAll();
  const options = 'defaults,nofail,x-systemd.automount,nosuid,nodev,noexec,noatime,size=1M,mode=0750';
  keep('mount', () => kernel.mount({ source: 'tmpfs', target: tmpfs, fsType: 'tmpfs', options }));
  keep('mounted', () => mounted(tmpfs));
  keep('mode of the data', () => files.status(tmpfs)?.mode);
  keep('space', () => files.space(tmpfs).totalBytes);
  keep('full', () => files.write(`${tmpfs}/big`, new Uint8Array(2 * 1024 * 1024)));
  keep('nothing is left of it', () => files.list(tmpfs));
  keep('tree with a mount point', () => files.removeTree(folder));
  makeAll();
  keep('bind within one device', () => {
    files.makeFolder(`${tmpfs}/kept`);
    files.write(`${tmpfs}/kept/file`, 'x');
    files.makeFolder(`${tmpfs}/tree/sub`);
    kernel.mount({ source: `${tmpfs}/kept`, target: `${tmpfs}/tree/sub`, fsType: 'none', options: 'bind' });
  });
  keep('tree with a mount of the same device', () => files.removeTree(`${tmpfs}/tree`));
  keep('what is mounted there lives', () => files.list(`${tmpfs}/kept`));
  keep('unmount that', () => kernel.unmount(`${tmpfs}/tree/sub`));
  keep('sync', () => kernel.syncFileSystem(tmpfs));
  keep('remount', () => kernel.mount({ source: 'tmpfs', target: tmpfs, fsType: 'tmpfs', options: 'remount,ro' }));
  keep('read-only', () => files.write(`${tmpfs}/new`, ''));
  keep('bind', () => kernel.mount({ source: tmpfs, target: bound, fsType: 'none', options: 'bind,ro,nosuid' }));
  keep('bound', () => mounted(bound));
  keep('bad data', () => kernel.mount({ source: 'tmpfs', target: bound, fsType: 'tmpfs', options: 'no-such-word=1' }));
  keep('bad type', () => kernel.mount({ source: 'x', target: bound, fsType: 'no-such-type' }));
  let device = '';
  keep('attach', () => {
    device = kernel.attachLoop(image);
    return device.replace(/\d+$/, 'N');
  });
  keep('its size', () => kernel.blockDeviceSize(device) === files.status(image)?.sizeBytes);
  keep('its file', () => files.readTextIfThere(`/sys/block/${device.slice(5)}/loop/backing_file`)?.trim() === image);
  keep('read-only device', () => files.readTextIfThere(`/sys/block/${device.slice(5)}/ro`)?.trim());
  keep('mount the image', () => kernel.mount({ source: device, target: inside, fsType: imageType, options: 'ro' }));
  keep('what is inside', () => files.readTextIfThere(`${inside}/hello`));
  keep('mounted image', () => mounted(inside));
  keep('unmount busy', () => {
    process.chdir(inside);
    return outcomeOf(() => kernel.unmount(inside));
  });
  keep('unmount lazily', () => kernel.unmount(inside, { lazy: true }));
  process.chdir('/');
  keep('detached with its last user', () => files.readTextIfThere(`/sys/block/${device.slice(5)}/loop/backing_file`) ?? 'free');
  keep('attach as older kernels do', () => {
    const older = attachLoopDevice(image, attachInTwoSteps);
    const facts = ['loop/backing_file', 'loop/autoclear', 'ro'].map((name) =>
      files.readTextIfThere(`/sys/block/${older.path.slice(5)}/${name}`)?.trim(),
    );
    closeSync(older.fd);
    return [facts[0] === image, ...facts.slice(1), files.readTextIfThere(`/sys/block/${older.path.slice(5)}/loop/backing_file`) ?? 'free'];
  });
  keep('unmount', () => [kernel.unmount(bound), kernel.unmount(tmpfs)]);
  keep('unmount again', () => kernel.unmount(tmpfs));
  return outcomes;
}
