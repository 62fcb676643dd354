"""Debian packages fetched with ``apt-get download`` and unpacked into a folder, never installed."""

import logging
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.cache import scratch, unfinished
from rig.errors import RigError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deb:
    """One unpacked package: its name, the folder that holds its files, its control fields."""

    name: str
    root: Path
    control: str

    def field(self, name: str) -> str:
        """Return the control field ``name``, or an empty string."""
        for line in self.control.splitlines():
            if line.startswith(f"{name}: "):
                return line.split(": ", 1)[1].strip()
        return ""


def unpacked(names: Sequence[str], cache: Path) -> list[Deb]:
    """Return ``names`` unpacked under ``cache``/debs, after downloading those that are missing.

    Raises RigError when apt cannot deliver one of them.
    """
    missing = [name for name in names if not (cache / "debs" / name).exists()]
    if missing:
        _fetch(missing, cache)
    return [_load(cache / "debs" / name) for name in names]


def _load(folder: Path) -> Deb:
    return Deb(folder.name, folder / "root", (folder / "control").read_text())


def _fetch(names: Sequence[str], cache: Path) -> None:
    _LOG.info("downloading from Debian: %d, %s first", len(names), names[0])
    with scratch(cache) as downloads:
        _download(names, downloads, cache)
        for file in sorted(downloads.glob("*.deb")):
            _unpack(file, cache)
    left = [name for name in names if not (cache / "debs" / name).exists()]
    if left:
        raise RigError(f"apt-get download brought no package of these names: {', '.join(left)}")


def _unpack(file: Path, cache: Path) -> None:
    name = _run(["dpkg-deb", "--field", str(file), "Package"]).stdout.strip()
    with unfinished(cache / "debs" / name) as folder:
        (folder / "control").write_text(_run(["dpkg-deb", "--field", str(file)]).stdout)
        _run(["dpkg-deb", "--extract", str(file), str(folder / "root")])


def _download(names: Sequence[str], into: Path, cache: Path) -> None:
    """Fetch with the machine's package lists; where these are missing or old, with fresh ones."""
    try:
        _apt("download", *names, where=into)
    except RigError as first:
        _LOG.info("the machine's package lists will not do (%s): fetching fresh ones", first)
        fresh = _fresh_lists(cache / "apt")
        try:
            _apt(*fresh, "download", *names, where=into)
        except RigError as second:
            hint = "is a Debian mirror reachable, and has it these packages?"
            raise RigError(f"{second}; with the machine's own lists: {first}; {hint}") from second


def _fresh_lists(folder: Path) -> list[str]:
    """Fetch package lists into ``folder``; return the options that make apt use them."""
    for part in ("lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}"]
    try:
        _apt(*options, "update")
    except RigError as error:  # one source of several, perhaps none that we need
        _LOG.info("%s", error)
    return options


def _apt(*arguments: str, where: Path | None = None) -> None:
    _run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *arguments], where)


def _run(command: list[str], where: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=where, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise RigError(
            f"{command[0]} not found: the rig needs Debian's or Ubuntu's tools"
        ) from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or "no message").splitlines()[-1]
        raise RigError(f"{command[0]}: {last}") from error
