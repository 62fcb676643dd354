"""Loads things when it is told to, and says when: run by benchfindings.py, also within pods.

Arguments: a folder and a FIFO in it. Each line of the FIFO is a kind of load and the name of the
thing in the folder. The wall clock just before each load is put into the folder's ``stamps``.
Only the standard library is used, of Python 3.11.
"""

import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

_KEPT: list[object] = []
#: Seconds that programs live which load something and stay.
_STAY = 6

_IMPORT = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
with open(sys.argv[2], "w") as stamp:
    stamp.write(repr(time.time()))
import transformers
time.sleep({stay})
"""
_SCRIPT = """
import sys, time
with open(sys.argv[2], "w") as stamp:
    stamp.write(repr(time.time()))
with open(sys.argv[1], "rb") as model:
    model.read()
"""


class Loader:
    """Loads what lies in a folder."""

    def __init__(self, folder: Path) -> None:
        """Load from ``folder``, and stamp there."""
        self._folder = folder

    def load(self, kind: str, name: str) -> None:
        """Load one thing in one way."""
        getattr(self, kind)(self._folder / "things" / name, self._folder / "stamps" / name)

    def opened(self, thing: Path, stamp: Path) -> None:
        """Open a model for two milliseconds."""
        self._read(thing / f"{thing.name}.safetensors", stamp)

    def mapped(self, thing: Path, stamp: Path) -> None:
        """Map a model, and keep it."""
        _put(stamp)
        with (thing / f"{thing.name}.safetensors").open("rb") as file:
            _KEPT.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))

    def adapter(self, thing: Path, stamp: Path) -> None:
        """Load an adapter as peft does: its configuration, then its weights."""
        _put(stamp)
        (thing / "adapter_config.json").read_bytes()
        self._read(thing / "adapter_model.safetensors")

    def downloaded(self, thing: Path, stamp: Path) -> None:
        """Download a model, give it its name, then read it."""
        data = (thing / f"{thing.name}.bytes").read_bytes()
        part = thing / f"{thing.name}.safetensors.incomplete"
        part.write_bytes(data)
        whole = part.rename(part.with_suffix(""))
        self._read(whole, stamp)

    def framework(self, thing: Path, stamp: Path) -> None:
        """Import a framework in a program that stays."""
        _spawn(["-c", _IMPORT.format(stay=_STAY), str(thing / "site-packages"), str(stamp)])

    def script(self, thing: Path, stamp: Path) -> None:
        """Read a model in a program that ends at once."""
        _spawn(["-c", _SCRIPT, str(thing / f"{thing.name}.safetensors"), str(stamp)]).wait()

    def server(self, thing: Path, stamp: Path) -> None:
        """Start an MCP server."""
        environment = {**os.environ, "PYTHONPATH": str(thing / "site-packages")}
        _put(stamp)
        _spawn(["-m", "mcp_server_time"], environment)

    def _read(self, path: Path, stamp: Path | None = None) -> None:
        if stamp is not None:
            _put(stamp)
        with path.open("rb") as file:
            file.read()
            time.sleep(0.002)


def _put(stamp: Path) -> None:
    stamp.write_text(repr(time.time()))


def _spawn(
    arguments: list[str], environment: dict[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    _KEPT.append(process)
    return process


def main() -> None:
    """Load until the FIFO is closed."""
    loader = Loader(Path(sys.argv[1]))
    with open(sys.argv[2], encoding="ascii") as orders:
        for line in orders:
            loader.load(*line.split())
    for kept in _KEPT:
        if isinstance(kept, subprocess.Popen):
            kept.kill()
            kept.wait()


if __name__ == "__main__":
    main()
