/** The help of the makedumpfile name. */
export const helpText = `kcapture under the name makedumpfile

Usage:
  makedumpfile [-c|-l|-p|-z|-E] [-d DL[,DL...]] [-f] VMCORE DUMPFILE
  makedumpfile -F [-c|-l|-p|-z|-E] [-d DL] VMCORE        flattened, to standard output
  makedumpfile -R DUMPFILE                               flattened standard input to a dump
  makedumpfile --split [-c|-l|-p|-z] [-d DL] VMCORE DUMPFILE1 DUMPFILE2 [...]
  makedumpfile --reassemble PART1 PART2 [...] DUMPFILE
  makedumpfile --dump-dmesg [--partial-dmesg] VMCORE LOGFILE
  makedumpfile --mem-usage /proc/kcore

Options:
  -c, -l, -p, -z       compress each page with zlib, lzo, snappy or zstd
  -d DL                leave out: 1 zero, 2 cache, 4 private cache, 8 user, 16 free pages (sum, 0-31)
  -E                   write ELF
  -F, -R               write, or turn back, the flattened format
  -f                   replace DUMPFILE
  -D                   debug messages
  --message-level N    sum of 1 progress, 2 common, 4 error, 8 debug, 16 report (default 7)
  --num-threads N      compress in N threads; default: one for each CPU
  --non-mmap           read instead of map
  --vtop ADDR          translate a virtual address first
  --dry-run            do everything but write
  --show-stats         print the report
  --check-params       check the command line only
  -b N, --work-dir DIR, --cyclic-buffer KB, --splitblock-size KB
                       accepted; memory is bounded without them
  -v, -h               version, help

Not supported: -x -i -g -X -e -L --config --eppic --diskset --extension, Xen.
See "kcapture --help" for what it does under its own name.
`;
