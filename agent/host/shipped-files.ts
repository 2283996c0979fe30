/**
 * The files that `kcapture install` writes, and what a system must have for each to be of use.
 *
 * Their texts are files of this repository (`hooks/`, `dracut/`, `mkinitcpio/`) and travel in the executable.
 */
import dracutHook from '../../dracut/kcapture-cmdline.sh' with { type: 'text' };
import dracutModule from '../../dracut/module-setup.sh' with { type: 'text' };
import kernelInstallPlugin from '../../hooks/92-kcapture.install' with { type: 'text' };
import udevRules from '../../hooks/98-kcapture.rules' with { type: 'text' };
import dropStaleImages from '../../hooks/drop-stale-images.sh' with { type: 'text' };
import pacmanHook from '../../hooks/kcapture.hook' with { type: 'text' };
import configurationTemplateText from '../../hooks/kcapture.conf' with { type: 'text' };
import loadService from '../../hooks/kcapture.service' with { type: 'text' };
import captureService from '../../hooks/kcapture-capture.service' with { type: 'text' };
import recoverService from '../../hooks/kcapture-recover.service' with { type: 'text' };
import kernelPostrm from '../../hooks/kernel-postrm.sh' with { type: 'text' };
import notInCapture from '../../hooks/not-in-capture.conf' with { type: 'text' };
import mkinitcpioRuntimeHook from '../../mkinitcpio/hooks/kcapture' with { type: 'text' };
import mkinitcpioInstallHook from '../../mkinitcpio/install/kcapture' with { type: 'text' };
import mkinitcpioPreset from '../../mkinitcpio/kcapture.preset' with { type: 'text' };
import mkinitcpioConfiguration from '../../mkinitcpio/mkinitcpio.conf' with { type: 'text' };
import { hostPaths } from './paths.ts';

/** A part of a system that some of our files belong to. */
export type SystemPart = 'systemd' | 'udev' | 'kernel-install' | 'pacman' | 'debian-kernels' | 'dracut' | 'mkinitcpio';

export type ShippedFile = {
  readonly path: string;
  readonly text: string;
  readonly mode: 0o644 | 0o755;
  readonly part: SystemPart;
};

/** Each directive with its default. */
export const configurationTemplate: string = configurationTemplateText;

/** Unit → the link that makes systemd start it at boot. */
export const unitLinks: readonly { readonly path: string; readonly target: string }[] = [
  'kcapture.service',
  'kcapture-recover.service',
].map((unit) => ({ path: `/etc/systemd/system/multi-user.target.wants/${unit}`, target: `/usr/lib/systemd/system/${unit}` }));

export const dracutFolder = '/usr/lib/dracut/modules.d/99kcapture';
/** Not below `/usr/lib/initcpio`: whatever changes there makes pacman rebuild every image of the machine. */
export const initcpioFolder = `${hostPaths.library}/initcpio`;

export const shippedFiles: readonly ShippedFile[] = [
  { path: '/usr/lib/systemd/system/kcapture.service', text: loadService, mode: 0o644, part: 'systemd' },
  { path: '/usr/lib/systemd/system/kcapture-recover.service', text: recoverService, mode: 0o644, part: 'systemd' },
  { path: '/usr/lib/udev/rules.d/98-kcapture.rules', text: udevRules, mode: 0o644, part: 'udev' },
  { path: '/usr/lib/kernel/install.d/92-kcapture.install', text: kernelInstallPlugin, mode: 0o755, part: 'kernel-install' },
  { path: '/usr/share/libalpm/hooks/92-kcapture.hook', text: pacmanHook, mode: 0o644, part: 'pacman' },
  { path: `${hostPaths.library}/drop-stale-images`, text: dropStaleImages, mode: 0o755, part: 'pacman' },
  { path: '/etc/kernel/postrm.d/kcapture', text: kernelPostrm, mode: 0o755, part: 'debian-kernels' },
  { path: `${dracutFolder}/module-setup.sh`, text: dracutModule, mode: 0o755, part: 'dracut' },
  { path: `${dracutFolder}/kcapture-cmdline.sh`, text: dracutHook, mode: 0o755, part: 'dracut' },
  ...imageFiles('dracut'),
  { path: `${initcpioFolder}/install/kcapture`, text: mkinitcpioInstallHook, mode: 0o755, part: 'mkinitcpio' },
  { path: `${initcpioFolder}/hooks/kcapture`, text: mkinitcpioRuntimeHook, mode: 0o755, part: 'mkinitcpio' },
  { path: `${initcpioFolder}/mkinitcpio.conf`, text: mkinitcpioConfiguration, mode: 0o644, part: 'mkinitcpio' },
  { path: `${initcpioFolder}/kcapture.preset`, text: mkinitcpioPreset, mode: 0o644, part: 'mkinitcpio' },
  ...imageFiles('mkinitcpio'),
];

/** What both generators put into images. */
function imageFiles(part: SystemPart): readonly ShippedFile[] {
  return [
    { path: `${hostPaths.library}/kcapture-capture.service`, text: captureService, mode: 0o644, part },
    { path: `${hostPaths.library}/not-in-capture.conf`, text: notInCapture, mode: 0o644, part },
  ];
}
