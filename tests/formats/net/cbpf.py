"""A machine that runs classic BPF as Documentation/networking/filter.rst describes it."""

import struct
from collections.abc import Callable, Mapping

MAX_STEPS = 24


class Machine:
    """Runs a program over one packet; ``known`` are the values of ancillary loads."""

    def __init__(self, packet: bytes, known: Mapping[int, int]) -> None:
        self.packet, self.known = packet, known
        self.a = self.x = self.at = 0

    def load(self, offset: int, size: int) -> int:
        if offset in self.known:
            return self.known[offset]
        if offset + size > len(self.packet):
            raise EOFError
        return int.from_bytes(self.packet[offset : offset + size], "big")

    def jump(self, chosen: bool, true: int, false: int) -> None:
        self.at += true if chosen else false

    def run(self, code: bytes) -> int:
        """Return how many bytes are handed over."""
        program = list(struct.iter_unpack("=HBBI", code))
        for _ in range(MAX_STEPS):
            operation, true, false, k = program[self.at]
            self.at += 1
            if operation == 0x06:
                return int(k)
            try:
                if operation in SETS_A:
                    self.a = SETS_A[operation](self, k)
                elif operation in SETS_X:
                    self.x = SETS_X[operation](self, k)
                else:
                    self.jump(TESTS[operation](self.a, k), true, false)
            except EOFError:
                return 0
        raise AssertionError("too many steps")


SETS_A: dict[int, Callable[[Machine, int], int]] = {
    0x28: lambda m, k: m.load(k, 2),
    0x30: lambda m, k: m.load(k, 1),
    0x48: lambda m, k: m.load(m.x + k, 2),
    0x50: lambda m, k: m.load(m.x + k, 1),
    0x54: lambda m, k: m.a & k,
    0x74: lambda m, k: m.a >> k,
    0x0C: lambda m, _: m.a + m.x,
}
SETS_X: dict[int, Callable[[Machine, int], int]] = {
    0xB1: lambda m, k: (m.load(k, 1) & 0xF) * 4,
    0x01: lambda _, k: k,
    0x07: lambda m, _: m.a,
}
TESTS: dict[int, Callable[[int, int], bool]] = {
    0x15: lambda a, k: a == k,
    0x45: lambda a, k: bool(a & k),
}
