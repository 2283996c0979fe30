"""drgn opens a dump and reads physical pages. Arguments: dump, raw vmcore; page frame numbers on standard input, one a line.

Prints as JSON: what drgn found out about the program, how many pages were asked for, how many
were equal to the raw vmcore, and how many were not in the dump and are zeros in the raw vmcore.
"""
import json
import sys

import drgn

from raw_vmcore import RawVmcore

program = drgn.Program()
program.set_core_dump(sys.argv[1])
raw = RawVmcore(sys.argv[2])
pfns = [int(line) for line in sys.stdin.read().split()]
equal = left_out = 0
for pfn in pfns:
    expected = raw.page(pfn)
    try:
        equal += program.read(pfn * 4096, 4096, True) == expected
    except drgn.FaultError:
        left_out += expected == bytes(4096)
print(
    json.dumps(
        {
            "linuxKernel": bool(program.flags & drgn.ProgramFlags.IS_LINUX_KERNEL),
            "architecture": program.platform.arch.name,
            "pages": len(pfns),
            "equal": equal,
            "zerosLeftOut": left_out,
        }
    )
)
