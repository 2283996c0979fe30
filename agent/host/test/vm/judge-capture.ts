/** What a capture of a made machine left on the disk, held against what that machine was: nothing is believed that can be read again. */
import type { Configuration } from '../../../config/configuration.ts';
import type { Manifest } from '../../../capture/manifest.ts';
import { inspectMemory } from '../../../analyse/inspect.ts';
import { printable } from '../../../binary/printable.ts';
import { KcaptureError } from '../../../errors.ts';
import type { System } from '../../../sys/system.ts';
import { findSaved } from '../../saved/find-saved.ts';
import type { SavedDump } from '../../saved/saved-dump.ts';
import { verifySaved } from '../../saved/verify.ts';
import type { MadeMachine } from '../made-crash/made-machine.ts';
import type { EmulatorResult } from './emulator.ts';

export type VmFinding = { readonly name: string; readonly passed: boolean; readonly text: string };

export type CaptureEvidence = {
  readonly machine: MadeMachine;
  readonly configuration: Configuration;
  /** Holds the folder of the capture. */
  readonly folder: string;
  readonly ended: EmulatorResult;
};

export function judgeCapture(
  system: System,
  evidence: CaptureEvidence,
): { findings: readonly VmFinding[]; manifest: Manifest | undefined } {
  const saved = findSaved(system.files, evidence.folder);
  const dump = saved[0];
  const findings = [judgeEnd(evidence.ended)];
  if (dump === undefined || saved.length > 1) {
    findings.push({
      name: 'saved',
      passed: false,
      text: dump === undefined ? 'nothing is on the disk' : `${saved.length} captures are on the disk, expected 1`,
    });
    return { findings, manifest: undefined };
  }
  findings.push(judgeStatus(dump), judgeFiles(system, dump), judgeLog(system, dump, evidence.machine));
  if (dump.vmcore !== undefined) findings.push(judgeMemory(system, dump));
  const pages = judgePages(dump.manifest, evidence);
  return { findings: pages === undefined ? findings : [...findings, pages], manifest: dump.manifest };
}

function judgeEnd({ end, complaint }: EmulatorResult): VmFinding {
  const text = {
    reboot: 'the machine restarted by itself',
    timeout: 'the machine had to be stopped: it did not end in time',
    failed: `QEMU failed: ${printable(complaint)}`,
  };
  return { name: 'end', passed: end === 'reboot', text: text[end] };
}

function judgeStatus({ status, manifest, problems }: SavedDump): VmFinding {
  const why = [...(manifest?.lost ?? []), ...problems].map((sentence) => printable(sentence)).join('; ');
  return { name: 'status', passed: status === 'complete' && problems.length === 0, text: why === '' ? status : `${status}: ${why}` };
}

function judgeFiles(system: System, dump: SavedDump): VmFinding {
  const bad = verifySaved(system.files, dump).filter(({ result }) => result !== 'same' && result !== 'unknown');
  const text =
    bad.length === 0
      ? 'sizes and checksums are those of the manifest'
      : bad.map(({ name, result }) => `${printable(name)} ${result}`).join(', ');
  return {
    name: 'files',
    passed: dump.manifest !== undefined && bad.length === 0,
    text: dump.manifest === undefined ? 'there is no manifest' : text,
  };
}

function judgeLog({ files }: System, { folder, log }: SavedDump, machine: MadeMachine): VmFinding {
  const text = log === undefined ? undefined : files.readTextIfThere(`${folder}/${log}`);
  if (text === undefined) return { name: 'log', passed: false, text: 'there is none' };
  return text === machine.log
    ? { name: 'log', passed: true, text: `${text.length} bytes, as made` }
    : { name: 'log', passed: false, text: 'it is not the log that was made' };
}

function judgeMemory(system: System, { folder, vmcore }: SavedDump): VmFinding {
  try {
    const file = system.openFile(`${folder}/${vmcore}`);
    try {
      const { description, complete, problems, pages } = inspectMemory(file, system.openCodec);
      const text = complete
        ? `${description}, ${pages?.kept ?? 0} pages kept`
        : `${description}: ${problems.map((problem) => printable(problem)).join('; ')}`;
      return { name: 'memory', passed: complete, text };
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { name: 'memory', passed: false, text: error.message };
  }
}

/** `undefined`: a program of the administrator's own made the dump and does not say. */
function judgePages(manifest: Manifest | undefined, { machine, configuration }: CaptureEvidence): VmFinding | undefined {
  const dump = manifest?.dump;
  if (dump === undefined || configuration.collector.kind !== 'own') return undefined;
  const bits = { cache: 2, user: 8, free: 16 } as const;
  const wrong = (Object.keys(bits) as (keyof typeof bits)[]).filter((kind) => {
    return dump.pages[kind] !== ((dump.level & bits[kind]) === 0 ? 0 : machine.pages[kind]);
  });
  if (wrong.length === 0) return { name: 'filter', passed: true, text: 'cache, user and free pages were told apart as made' };
  const text = wrong.map((kind) => `${kind}: ${dump.pages[kind]} left out, expected ${machine.pages[kind]}`).join('; ');
  return { name: 'filter', passed: false, text };
}
