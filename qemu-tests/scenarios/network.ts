/**
 * Machines whose dumps go to servers: ssh and NFS, which take files, and https and S3, which take streams. Each crashes with nobody watching; the
 * capture kernel puts the network up, the dump arrives whole, the machine reboots, and no secret is found where others could read it.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { imagePath } from '../../agent/host/paths.ts';
import { kernelFiles } from '../kernel-files.ts';
import { crashOnce } from '../machine/crash-cycle.ts';
import type { Boot } from '../machine/boot.ts';
import { receiveByHttps } from '../receivers/https.ts';
import { receiveByNfs, receiveByNfs3 } from '../receivers/nfs.ts';
import type { Receiver } from '../receivers/receiver.ts';
import { receiveByS3 } from '../receivers/s3.ts';
import { receiveBySsh } from '../receivers/ssh.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { checkCrash } from '../verify/crash-and-capture.ts';
import { checkAgainstMemory, checkDumpOpens, plainDump } from '../verify/saved-capture.ts';
import { checkImage, checkSecrets, printCommandLines } from '../verify/secrets.ts';

type Round = {
  readonly name: string;
  readonly receive: (folder: string) => Promise<Receiver>;
  readonly generator: 'own' | 'dracut';
  /** The dump is compared with the memory as QEMU has it. */
  readonly keepMemory?: boolean;
};

const hook = '/etc/kcapture-hook';

export const networkFiles = onServers('network-files', [
  { name: 'ssh', receive: receiveBySsh, generator: 'own' },
  { name: 'nfs', receive: receiveByNfs, generator: 'own' },
  { name: 'nfs version 3', receive: receiveByNfs3, generator: 'own' },
  { name: 'ssh with dracut', receive: receiveBySsh, generator: 'dracut' },
]);

export const networkStreams = onServers('network-streams', [
  { name: 'https', receive: receiveByHttps, generator: 'own' },
  { name: 's3', receive: receiveByS3, generator: 'own', keepMemory: true },
]);

function onServers(name: string, rounds: readonly Round[]): Scenario {
  return {
    name,
    kernels: ['6.1'],
    usesMachines: true,
    async run(context) {
      const guest = context.machine({ crashkernel: '256M', memoryMiB: 1024, network: true });
      for (const round of rounds) await crashTo(context, guest, round);
    },
  };
}

async function crashTo(
  { kernel, checks, folder: parent }: ScenarioContext,
  guest: ReturnType<ScenarioContext['machine']>,
  { name, receive, generator, keepMemory = false }: Round,
): Promise<void> {
  const folder = join(parent, name.replaceAll(' ', '-'));
  mkdirSync(folder);
  const { release } = kernelFiles(kernel);
  const receiver = await receive(folder);
  try {
    const crashed = await crashOnce(guest, {
      generator,
      configuration: [receiver.target, 'path /crash', `kdump_pre ${hook}`],
      hooks: { [hook]: printCommandLines },
      files: receiver.files,
      before: [
        { name: 'network', run: 'network_up' },
        { name: 'add', run: receiver.add },
        ...(generator === 'dracut' ? [{ name: 'install', run: 'kcapture install' }] : []),
      ],
      after: [
        { name: 'status', run: 'kcapture status', exit: 'any' },
        { name: 'image', run: `send ${imagePath(release)}` },
      ],
      keepMemory,
      captureLimitSeconds: 400,
    });
    checks.equal(crashed.output('status').match(/^\S+ +target/gm), ['ok    target'], `${name}: status finds the target as it should be`);
    const capture = checkCrash({ checks, folder, name, crashed, dumps: receiver.captures(), failed: [] });
    checkDumpOpens(checks, kernel, plainDump(capture, folder));
    if (keepMemory) checkAgainstMemory(checks, kernel, capture, crashed.memoryVmcore(), folder);
    checks.equal(receiver.leftOvers(), [], `${name}: the server holds nothing half-sent`);
    checkImage(checks, name, crashed.file(imagePath(release)), join(folder, 'image'), receiver.secrets);
    checkSecrets(checks, name, receiver.secrets, { ...told(crashed), ...savedTexts(capture) });
  } finally {
    await receiver.server.kill();
  }
}

/** What the boot printed, by where. */
function told(boot: Boot): Readonly<Record<string, string>> {
  const steps = ['add', 'load', 'status'].map((step) => [step, boot.output(step)]);
  return { ...Object.fromEntries(steps), console: readFileSync(boot.consolePath, 'latin1') };
}

function savedTexts(capture: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ['manifest.json', 'kcapture.log', 'vmcore-dmesg.txt'].map((name) => [name, readFileSync(join(capture, name), 'latin1')]),
  );
}
