"""The kernel's own record of some page frames, read with drgn out of the raw vmcore. Argument: raw vmcore; page frame numbers on standard input.

Prints as JSON one row a page frame: flags, compound (page.compound_head or, from 7.1 on, page.compound_info) and mapping, as hex text.
"""
import json
import struct
import sys

import drgn

from raw_vmcore import RawVmcore

info = RawVmcore(sys.argv[1]).vmcoreinfo
program = drgn.Program()
program.set_core_dump(sys.argv[1])


def u64(address):
    return struct.unpack("<Q", program.read(address, 8))[0]


page_size = int(info["SIZE(page)"])
record = int(info["SIZE(mem_section)"])
map_offset = int(info["OFFSET(mem_section.section_mem_map)"])
compound = "OFFSET(page.compound_info)" if "OFFSET(page.compound_info)" in info else "OFFSET(page.compound_head)"
offsets = {"flags": int(info["OFFSET(page.flags)"]), "compound": int(info[compound]), "mapping": int(info["OFFSET(page.mapping)"])}
# With SPARSEMEM_EXTREME, SYMBOL(mem_section) is the value of a pointer to an array of pointers to whole pages of records.
roots = int(info["SYMBOL(mem_section)"], 16)
pages_per_section = 1 << 15
records_per_root = 4096 // record

rows = []
for line in sys.stdin.read().split():
    pfn = int(line)
    section = pfn // pages_per_section
    root = u64(roots + 8 * (section // records_per_root))
    mem_map = u64(root + section % records_per_root * record + map_offset) & ~0x3F
    entry = program.read(mem_map + pfn * page_size, page_size)
    rows.append({"pfn": pfn} | {name: hex(struct.unpack_from("<Q", entry, at)[0]) for name, at in offsets.items()})
print(json.dumps(rows))
