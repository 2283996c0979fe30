"""How many pages of a raw vmcore lie in more than one of its memory ranges (kernel text has a range of its own). Argument: raw vmcore.

Prints as JSON the number of such pages, counted once for each range beyond the first.
"""
import json
import sys

from raw_vmcore import RawVmcore

spans = [(first // 4096, -(-end // 4096)) for first, end, _ in RawVmcore(sys.argv[1]).ranges]
distinct = set()
for first, end in spans:
    distinct.update(range(first, end))
print(json.dumps(sum(end - first for first, end in spans) - len(distinct)))
