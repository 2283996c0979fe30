/** What is saved, how small, and how long it may take. */
import { readCodec } from '../codec-choice.ts';
import { readCollector } from '../collector.ts';
import type { Directive } from '../directive.ts';
import { parseDumpLevels } from '../dump-level.ts';
import { readDuration, readMemoryLimit } from '../limits.ts';
import { parseSize } from '../quantity.ts';
import { readNumber } from '../values.ts';

export const dumpDirectives: readonly Directive[] = [
  {
    name: 'core_collector',
    value: 'COMMAND',
    meaning:
      'What makes the dump. "makedumpfile OPTIONS" and "kcapture dump OPTIONS" tell kcapture itself what to do; "cp" and "scp" keep every page, as ELF; any other program is run with /proc/vmcore and the output (not for a raw device).',
    default: 'kcapture dump -d 31 --compress zstd',
    examples: [
      'makedumpfile -l --message-level 7 -d 31',
      'makedumpfile -c -d 31,0',
      'scp',
      'kcapture dump -d 31 --compress zstd --level 3',
    ],
    origin: 'kdump',
    apply: (draft, { value }) => {
      draft.collector = readCollector(value);
    },
  },
  {
    name: 'level',
    value: 'N[,N…]',
    meaning:
      'Dump level: the sum of what stays out (1 zero pages, 2 and 4 page cache, 8 user data, 16 free pages). Further levels are tried in turn when the target has no room.',
    default: '31',
    examples: ['31', '17,31'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.asked = { ...draft.asked, levels: parseDumpLevels(value) };
    },
  },
  {
    name: 'compress',
    value: 'zstd[:LEVEL]|lzo|snappy|zlib[:LEVEL]|none',
    meaning:
      'Codec of the pages. Every crash reads zlib; lzo, snappy and zstd (since 8.0) it reads when built with them. A level may also stand behind a blank; `zstd auto`: harder while the target is what is waited for, as it is done on a server without a level.',
    default: 'zstd',
    examples: ['zstd', 'zstd:3', 'zstd auto', 'lzo', 'none'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.asked = { ...draft.asked, codec: readCodec(value) };
    },
  },
  {
    name: 'threads',
    value: 'N|all',
    meaning: 'Threads that compress; `all`: one for each CPU of the capture kernel, as far as its memory goes.',
    default: 'all',
    examples: ['all', '2'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.asked = { ...draft.asked, threads: value === 'all' ? 0 : readNumber(value, 1, 256) };
    },
  },
  {
    name: 'memory_limit',
    value: 'SIZE|auto',
    meaning:
      'What the bitmap of pages may take in the memory of the capture kernel, at least 256K: 32 MiB for each TiB of the machine. A larger bitmap is made in windows, by scanning the memory twice. `auto`: a quarter of what is available then.',
    default: 'auto',
    examples: ['auto', '8M'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.memoryLimitBytes = value === 'auto' ? undefined : readMemoryLimit(value);
    },
  },
  {
    name: 'dmesg_only_below',
    value: 'SIZE|always|never',
    meaning: "With less room than this on the target the kernel's log is saved and no memory; `always`: never any memory.",
    default: 'never',
    examples: ['2G', 'always'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.dmesgOnlyBelowBytes = value === 'never' ? undefined : value === 'always' ? Number.MAX_SAFE_INTEGER : parseSize(value);
    },
  },
  {
    name: 'min_free',
    value: 'SIZE',
    meaning: 'Left free on the target, whatever it costs the dump.',
    default: '64M',
    examples: ['64M', '1G'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.minFreeBytes = parseSize(value);
    },
  },
  {
    name: 'time_limit',
    value: 'DURATION|none',
    meaning:
      'From the start of the capture to the final action; what is saved by then stays, marked incomplete. `none`: as long as there is progress.',
    default: 'none',
    examples: ['30m', '2h'],
    origin: 'kcapture',
    apply: (draft, { value, warn }) => {
      draft.timeLimitSeconds = value === 'none' ? undefined : readDuration(value, 'time_limit');
      if ((draft.timeLimitSeconds ?? 60) < 60)
        warn('Less than a minute is hardly enough for any dump', 'A number alone is seconds: write 30m for minutes');
    },
  },
  {
    name: 'device_timeout',
    value: 'DURATION',
    meaning: "How long a target's device may take to appear before the next target is tried.",
    default: '1m',
    examples: ['1m', '180'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.deviceTimeoutSeconds = readDuration(value, 'device_timeout');
    },
  },
  {
    name: 'stall_limit',
    value: 'DURATION',
    meaning: 'How long a server may take nothing before the connection to it counts as broken and is made anew.',
    default: '1m',
    examples: ['1m', '20'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.stallLimitSeconds = readDuration(value, 'stall_limit');
    },
  },
  {
    name: 'retry_limit',
    value: 'DURATION',
    meaning: 'How long a server that cannot be reached, or a connection that broke, is tried again before the next target gets its turn.',
    default: '2m',
    examples: ['2m', '600'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.retryLimitSeconds = readDuration(value, 'retry_limit');
    },
  },
];
