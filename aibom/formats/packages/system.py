"""Package databases of distributions: dpkg's, apk's, and which distribution it is."""

import re
import shlex
from collections.abc import Iterator
from typing import Literal, NamedTuple

from aibom.formats.packages.purl import spelled
from aibom.formats.text import printable

#: Most packages that are taken from one database.
MAX_PACKAGES = 50_000
_MAX_FIELD = 500


class SystemPackage(NamedTuple):
    """An installed package. ``version`` is whole, with epoch and revision as its system writes it.

    ``paths`` are absolute, of what it installed, folders perhaps included.
    """

    system: Literal["deb", "apk", "rpm"]
    name: str
    version: str
    architecture: str = ""
    licence: str = ""
    epoch: str = ""
    paths: tuple[str, ...] = ()


class Distribution(NamedTuple):
    """``ID`` and ``VERSION_ID`` of os-release(5); empty where they are not said."""

    name: str = ""
    version: str = ""


# what purls call a vendor that calls itself otherwise (purl-spec, types/rpm; syft does the same)
_VENDORS = {"rhel": "redhat", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse"}
_DEFAULT_VENDOR = {"deb": "debian", "apk": "alpine", "rpm": None}


def os_release(data: bytes) -> Distribution:
    """Return which distribution an os-release file says it is."""
    said: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines()[:200]:
        name, equals, value = line.strip().partition("=")
        if equals and name in ("ID", "VERSION_ID"):
            try:
                said[name] = "".join(shlex.split(value[:_MAX_FIELD])).lower()
            except ValueError:
                continue  # a quote without its other half
    return Distribution(printable(said.get("ID", "")), printable(said.get("VERSION_ID", "")))


def purl(package: SystemPackage, distribution: Distribution) -> str:
    """Return the purl of a package of ``distribution``, with what tells its builds apart.

    It is empty where a name is none.
    """
    vendor = _VENDORS.get(distribution.name, distribution.name) or _DEFAULT_VENDOR[package.system]
    said = {"arch": package.architecture, "epoch": package.epoch}
    said["distro"] = "-".join(part for part in distribution if part)
    qualifiers = {name: value for name, value in said.items() if value}
    return spelled(package.system, vendor or "", package.name, package.version, qualifiers)


def dpkg(status: bytes, files: dict[str, bytes], every: bool = False) -> Iterator[SystemPackage]:
    """Yield the installed packages of dpkg's ``status`` (deb822(5), dpkg-query(1)).

    ``files`` are the lists of files by their names without ending: ``NAME`` or ``NAME:ARCH``. With
    ``every`` a package without a status is installed, too, as in distroless' ``status.d``.
    """
    for fields in _paragraphs(status, ": ?", ("Package", "Version", "Architecture", "Status")):
        name, architecture = fields.get("Package", ""), fields.get("Architecture", "")
        state = fields.get("Status", "ok installed" if every else "").split()
        if not name or not fields.get("Version") or state[-1:] != ["installed"]:
            continue
        listed = files.get(f"{name}:{architecture}") or files.get(name, b"")
        yield SystemPackage(
            "deb", name, fields["Version"], architecture, paths=tuple(_listed(listed))
        )


def _listed(data: bytes) -> Iterator[str]:
    """Yield absolute paths of a ``.list``, or of a ``.md5sums`` whose lines begin with a digest."""
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        if line.startswith("/"):
            yield line
        elif re.match(r"[0-9a-f]{32}  ", line):
            yield "/" + line[34:].removeprefix("./")


def apk(data: bytes) -> Iterator[SystemPackage]:
    """Yield the packages of apk's ``installed`` (apk-tools, doc/apk-package.5 and -db)."""
    for block in data.decode("utf-8", "surrogateescape").split("\n\n")[:MAX_PACKAGES]:
        fields: dict[str, str] = {}
        paths: list[str] = []
        folder = ""
        for line in block.splitlines():
            key, value = line[:1], line[2:]
            if line[1:2] != ":":
                continue
            if key == "F":
                folder = value
            elif key == "R":
                paths.append(f"/{folder}/{value}" if folder else f"/{value}")
            else:
                fields.setdefault(key, printable(value, _MAX_FIELD))
        if fields.get("P") and fields.get("V"):
            arch, licence = fields.get("A", ""), fields.get("L", "")
            name, version = fields["P"], fields["V"]
            yield SystemPackage("apk", name, version, arch, licence, paths=tuple(paths))


def _paragraphs(data: bytes, separator: str, wanted: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield the fields ``wanted`` of each paragraph; lines that begin with a blank carry on."""
    line = re.compile(rf"^({'|'.join(wanted)}){separator}([^\n]*)", re.MULTILINE)
    paragraphs = re.split(r"\n[ \t]*\n", data.decode("utf-8", "replace"))
    for paragraph in paragraphs[:MAX_PACKAGES]:
        fields = {m[1]: printable(m[2].strip(), _MAX_FIELD) for m in line.finditer(paragraph)}
        if fields:
            yield fields
