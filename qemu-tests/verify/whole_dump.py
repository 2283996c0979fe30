"""Reads every page a dump says it holds, through libkdumpfile. Argument: dump. Prints as JSON how many there are and which cannot be read."""
import json
import sys

import kdumpfile

dump = kdumpfile.kdumpfile(file=sys.argv[1])
held = dump.attr["file.pagemap"]
end = dump.attr["max_pfn"]

pages = 0
unreadable = []
pfn = -1
while True:
    try:
        pfn = held.find_set(pfn + 1)
    except Exception:  # the binding raises one of several types at the end of the map
        break
    if pfn >= end:
        break
    pages += 1
    try:
        if len(dump.read(kdumpfile.KDUMP_MACHPHYSADDR, pfn * 4096, 4096)) != 4096:
            unreadable.append(pfn)
    except Exception:  # one type for each kind of damage
        unreadable.append(pfn)
print(json.dumps({"pages": pages, "unreadable": unreadable[:10]}))
