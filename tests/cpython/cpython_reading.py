"""What the tests of decoding share: every layout, and a reading of an image."""

import pytest
from cpython_images import LAYOUTS, Process, newer

from aibom.formats.cpython import modules
from aibom.formats.cpython.modules import ModuleTable, Reading
from aibom.formats.cpython.site import Symbols

LATEST = newer((3, 14))
every_layout = pytest.mark.parametrize(
    "layout", LAYOUTS, ids=lambda o: "{}.{}".format(*o.version) + "t" * o.free_threaded
)


def read(process: Process, symbols: Symbols | None = None) -> ModuleTable:
    reading = modules.read(process.image, symbols or process.symbols)
    assert reading is not None
    return reading.table


def names(table: ModuleTable) -> list[str]:
    return [module.name for module in table.modules]


def named(*more: str) -> list[str]:
    return sorted({"sys", "builtins", *more})


def reading_of(process: Process) -> Reading:
    reading = modules.read(process.image, process.symbols)
    assert reading is not None
    return reading
