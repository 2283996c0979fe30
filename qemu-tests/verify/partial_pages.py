"""An incomplete dump: which of its pages can be read, by its own page descriptors. Arguments: uncompressed dump, raw vmcore.

A page that was not written has a descriptor of zeros or none. Prints as JSON: pages marked as held, pages found equal to the raw vmcore, pages found wrong.
"""
import json
import struct
import sys

from raw_vmcore import RawVmcore

raw = RawVmcore(sys.argv[2])
with open(sys.argv[1], "rb") as dump:
    header = dump.read(464)
    status, block_size, sub_header_blocks, bitmap_blocks = struct.unpack_from("<IiiI", header, 424)
    assert status & 0x8, "the header does not say that the dump is incomplete"
    half = bitmap_blocks // 2 * block_size
    dump.seek((1 + sub_header_blocks) * block_size + half)
    held = dump.read(half)
    descriptors = (1 + sub_header_blocks + bitmap_blocks) * block_size
    pages = equal = wrong = 0
    for pfn in range(len(held) * 8):
        if not held[pfn // 8] >> pfn % 8 & 1:
            continue
        dump.seek(descriptors + 24 * pages)
        pages += 1
        entry = dump.read(24)
        offset, size, flags = struct.unpack("<QII", entry[:16]) if len(entry) == 24 else (0, 0, 0)
        if offset == 0:
            continue
        dump.seek(offset)
        if flags == 0 and size == block_size and dump.read(size) == raw.page(pfn):
            equal += 1
        else:
            wrong += 1
print(json.dumps({"pages": pages, "equal": equal, "wrong": wrong}))
