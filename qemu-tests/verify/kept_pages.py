"""Every page a dump holds, read through libkdumpfile, against the raw vmcore. Arguments: dump, raw vmcore.

Prints as JSON: how many pages the dump holds, how many of them are equal, and the first page frames that are not.
"""
import json
import sys

import kdumpfile

from raw_vmcore import RawVmcore

dump = kdumpfile.kdumpfile(file=sys.argv[1])
raw = RawVmcore(sys.argv[2])
held = dump.attr["file.pagemap"]
end = dump.attr["max_pfn"]

pages = equal = 0
differing = []
pfn = -1
while True:
    try:
        pfn = held.find_set(pfn + 1)
    except Exception:  # the binding raises one of several types at the end of the map
        break
    if pfn >= end:
        break
    pages += 1
    if dump.read(kdumpfile.KDUMP_MACHPHYSADDR, pfn * 4096, 4096) == raw.page(pfn):
        equal += 1
    elif len(differing) < 10:
        differing.append(pfn)
print(json.dumps({"pages": pages, "equal": equal, "differing": differing}))
