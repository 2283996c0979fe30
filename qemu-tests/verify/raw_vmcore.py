"""The raw ELF vmcore, read by nothing but struct: its memory ranges and its VMCOREINFO text."""
import struct


class RawVmcore:
    """Physical memory of an ELF64 vmcore. Ranges are (first address, end, file offset)."""

    def __init__(self, path):
        self.file = open(path, "rb")
        header = self.file.read(64)
        if header[:5] != b"\x7fELF\x02":
            raise ValueError(f"{path} is no ELF64 file")
        table, count = struct.unpack_from("<Q", header, 32)[0], struct.unpack_from("<H", header, 56)[0]
        self.ranges = []
        self.vmcoreinfo = {}
        for index in range(count):
            self.file.seek(table + 56 * index)
            kind, _, offset, _, address, size, _, _ = struct.unpack("<IIQQQQQQ", self.file.read(56))
            if kind == 1 and size > 0:
                self.ranges.append((address, address + size, offset))
            elif kind == 4:
                self.file.seek(offset)
                self._read_notes(self.file.read(size))

    def _read_notes(self, notes):
        at = 0
        while at + 12 <= len(notes):
            name_size, data_size, _ = struct.unpack_from("<III", notes, at)
            name = notes[at + 12 : at + 12 + name_size].rstrip(b"\0")
            start = at + 12 + (name_size + 3) // 4 * 4
            if name == b"VMCOREINFO":
                text = notes[start : start + data_size].decode("ascii")
                self.vmcoreinfo = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
            at = start + (data_size + 3) // 4 * 4

    def page(self, pfn):
        """4096 bytes, or None where no range holds the whole page."""
        address = pfn * 4096
        for first, end, offset in self.ranges:
            if first <= address and address + 4096 <= end:
                self.file.seek(offset + address - first)
                return self.file.read(4096)
        return None
