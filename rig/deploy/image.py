"""``python -m rig.deploy.image``: aibom as an OCI image in dist/, without a registry or docker.

It is what `deploy/Containerfile` makes, on Debian's Python instead of an image from a registry: the
locked dependencies and the wheel. The same sources and Debian packages give the same digest.
"""

import hashlib
import logging
import platform
import shutil
import sys
import zipfile
from pathlib import Path

import aibom
from rig import images, oci, pip
from rig.cache import REPOSITORY, cache_folder, filling, key, scratch, unfinished
from rig.command import run
from rig.deploy import lock, uv, wheel
from rig.layer import Layer, Program

_LOG = logging.getLogger(__name__)
NAME = f"localhost/aibom:{aibom.__version__}"
_PROGRAM = b"""#!/usr/bin/python3
import sys

from aibom.cli.main import main

sys.exit(main())
"""
_LABELS = {
    "org.opencontainers.image.title": "aibom",
    "org.opencontainers.image.description": "Node agent that writes AI-BOMs of what really ran",
    "org.opencontainers.image.licenses": "Apache-2.0",
    "org.opencontainers.image.version": aibom.__version__,
}


def dependencies(cache: Path) -> Path:
    """Return a folder with the locked distributions for Debian 12's Python, and nothing else."""
    folder = cache / "site" / f"locked{pip.IMAGE}-{key(lock.RUN.read_bytes(), b'1')}"
    if not folder.exists():
        _LOG.info("fetching what %s names", lock.RUN.name)
        target = f"{platform.machine()}-manylinux_2_36"  # Debian 12 has glibc 2.36
        options = ["--python-version", pip.IMAGE, "--python-platform", target]
        options += ["--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"]
        with unfinished(folder) as into:
            uv.run(["pip", "install", *options, "--target", str(into), "-r", str(lock.RUN)], cache)
            _remove_programs(into)
            (into / ".lock").unlink(missing_ok=True)
    return folder


def _remove_programs(site: Path) -> None:
    """Remove what begins with the path of this machine's Python, and the records of it."""
    shutil.rmtree(site / "bin", ignore_errors=True)
    for record in site.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not line.startswith("bin/")))


def image(cache: Path, built: Path) -> oci.Image:
    """Return the image with the wheel ``built``, made anew when that or a lock has changed."""

    def layers() -> list[Layer]:
        return [layer_of_dependencies(cache), layer_of_program(built)]

    made_of = key(built.read_bytes(), lock.RUN.read_bytes())
    config = oci.Config(("aibom",), labels=_LABELS)
    return images.python_based(cache, NAME, made_of, layers, config)


def layer_of_dependencies(cache: Path) -> Layer:
    """Return the layer with everything that aibom needs."""
    return {images.SITE_PACKAGES: dependencies(cache)}


def layer_of_program(built: Path) -> Layer:
    """Return the layer with the wheel ``built``, and a program that starts it."""
    with zipfile.ZipFile(built) as archive:
        files = {
            f"{images.SITE_PACKAGES}/{member.filename}": archive.read(member)
            for member in archive.infolist()
            if not member.is_dir()
        }
    return {**files, "usr/local/bin/aibom": Program(_PROGRAM)}


def main() -> int:
    """Build it and say where it is and what it is called."""
    return run("rig", _build)


def _build() -> None:
    cache = cache_folder()
    target = REPOSITORY / "dist" / f"aibom-{aibom.__version__}-{oci.architecture()}.oci.tar"
    with filling(cache), scratch(cache) as work:
        built = image(cache, wheel.build(work, cache))
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(built.archive, target)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target.relative_to(REPOSITORY)} (sha256 {digest})\n{NAME}@{built.digest}")


if __name__ == "__main__":
    sys.exit(main())
