"""The images that pods of the rig run: ``pause`` and ``python``, and what adds to them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rig import oci
from rig.cache import key
from rig.debs import Deb, unpacked
from rig.layer import Folder, Layer, Link, Source

_LOG = logging.getLogger(__name__)

PAUSE = "local.test/pause:1"
PYTHON = "local.test/python:3.11"

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
SITE_PACKAGES = "/usr/local/lib/python3.11/dist-packages"
"""Where pip, run as root, puts packages for Debian's interpreter; a layer of an app goes there."""

_PYTHON_PACKAGES = (
    "base-files",
    "busybox-static",
    "dash",
    "gcc-12-base",
    "libbz2-1.0",
    "libc6",
    "libcom-err2",
    "libcrypt1",
    "libdb5.3",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "libgomp1",
    "libgssapi-krb5-2",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "liblzma5",
    "libncursesw6",
    "libnsl2",
    "libpython3-stdlib",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libstdc++6",
    "libtinfo6",
    "libtirpc3",
    "libuuid1",
    "media-types",
    "python3",
    "python3-minimal",
    "python3.11",
    "python3.11-minimal",
    "zlib1g",
)
_MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")  # links into /usr since Debian 12
_LEFT_OUT = ("usr/share/doc/", "usr/share/info/", "usr/share/lintian/", "usr/share/man/")
_STICKY = ("tmp", "var/lock", "var/tmp")
_RECIPE = [Path(__file__).with_name(name) for name in ("images.py", "layer.py", "oci.py")]
_ACCOUNTS: dict[str, Source] = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "root": Folder(),
    "usr/bin/sh": Link("dash"),
}


def pause(cache: Path) -> oci.Image:
    """Return the image of a pod's sandbox: one static program that waits and ends on SIGTERM."""
    (deb,) = unpacked(["catatonit"], cache)
    layer: Layer = {"/pause": deb.root / "usr/bin/catatonit"}
    return cached(cache, PAUSE, key(deb.control), lambda: [layer], oci.Config(("/pause", "-P")))


def python(cache: Path) -> oci.Image:
    """Return the image of Debian's Python 3.11, with the package database that Debian keeps."""
    return python_with(cache, PYTHON, "", list, ("python3",))


def python_with(
    cache: Path,
    name: str,
    version: str,
    layers: Callable[[], list[Layer]],
    entrypoint: tuple[str, ...],
) -> oci.Image:
    """Return the image ``name``: Debian's Python 3.11 below, ``layers`` on top of it.

    ``version`` stands for what is in ``layers``, which is asked for only when the image has to be
    built anew. The layer of Python is the same in all of these images.
    """
    return python_based(cache, name, version, layers, oci.Config(entrypoint))


def python_based(
    cache: Path,
    name: str,
    version: str,
    layers: Callable[[], list[Layer]],
    config: oci.Config,
) -> oci.Image:
    """Return what ``python_with`` does, with more to say on how a container of it starts."""
    debs = unpacked(_PYTHON_PACKAGES, cache)
    env = {"PATH": _PATH, "PYTHONDONTWRITEBYTECODE": "1", **config.env}
    config = replace(config, env=env)
    made_of = key(version, *(deb.control for deb in debs))
    return cached(cache, name, made_of, lambda: [_python_layer(debs), *layers()], config)


def cached(
    cache: Path, name: str, made_of: str, layers: Callable[[], list[Layer]], config: oci.Config
) -> oci.Image:
    """Return the image ``name`` from ``cache``, built when what it is ``made_of`` has changed."""
    short = name.rsplit("/", 1)[-1].replace(":", "-")
    made_of = key(made_of, repr(config), *(path.read_bytes() for path in _RECIPE))
    archive = cache / "images" / f"{short}-{made_of}.tar"
    if archive.exists():
        return oci.describe(archive)
    _LOG.info("building the image %s", name)
    archive.parent.mkdir(parents=True, exist_ok=True)
    for old in archive.parent.glob(f"{short}-*.tar"):
        old.unlink()
    return oci.build(archive, name, layers(), config)


def _python_layer(debs: Sequence[Deb]) -> Layer:
    layer: dict[str, Source] = {}
    for deb in debs:
        layer.update(_files(deb.root))
    used = {path.split("/")[1] for path in layer if path.startswith("usr/")}
    links = {path: Link(f"usr/{path}") for path in _MERGED if path in used}
    return layer | links | _ACCOUNTS | _package_database(debs)


def _files(root: Path) -> dict[str, Source]:
    """Return path in the image -> file, for what a package brings and a container needs."""
    files: dict[str, Source] = {}
    for file in root.rglob("*"):
        path = file.relative_to(root).as_posix()
        if path.startswith(_LEFT_OUT) or path in _MERGED:
            continue
        if file.is_symlink() or not file.is_dir():
            files[_merged(path)] = file
        elif not any(file.iterdir()):
            files[_merged(path)] = Folder(0o1777 if path in _STICKY else 0o755)
    return files


def _merged(path: str) -> str:
    return f"usr/{path}" if path.split("/", 1)[0] in _MERGED else path


def _package_database(debs: Sequence[Deb]) -> dict[str, Source]:
    status = "".join(_status(deb) for deb in debs)
    lists = {f"var/lib/dpkg/info/{_instance(deb)}.list": _file_list(deb) for deb in debs}
    return {"var/lib/dpkg/status": status.encode(), **lists}


def _status(deb: Deb) -> str:
    package, rest = deb.control.strip().split("\n", 1)
    return f"{package}\nStatus: install ok installed\n{rest}\n\n"


def _instance(deb: Deb) -> str:
    """Return the name of the package in dpkg's database, which tells architectures apart."""
    same = deb.field("Multi-Arch") == "same"
    return f"{deb.name}:{deb.field('Architecture')}" if same else deb.name


def _file_list(deb: Deb) -> bytes:
    paths = sorted(f"/{file.relative_to(deb.root)}" for file in deb.root.rglob("*"))
    return "".join(f"{path}\n" for path in ["/.", *paths]).encode()
