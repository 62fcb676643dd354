"""The image of aibom itself, for pods that watch others: this checkout on Debian's Python."""

import tomllib
from pathlib import Path

from rig import images, oci, pip
from rig.cache import REPOSITORY, key
from rig.layer import Layer, Source

NAME = "local.test/aibom:1"


def image(cache: Path) -> oci.Image:
    """Return the image that runs ``python3 -m aibom``; it is built anew when the sources change.

    Raises RigError where its dependencies cannot be had.
    """
    sources = _sources()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    requirements: list[str] = project["dependencies"]

    def layers() -> list[Layer]:
        site = pip.installed(requirements, pip.IMAGE, cache)
        return [{images.SITE_PACKAGES: site}, sources]

    contents = [path.read_bytes() for path in sources.values() if isinstance(path, Path)]
    version = key(*requirements, *sources, *contents)
    return images.python_with(cache, NAME, version, layers, ("python3", "-m", "aibom"))


def _sources() -> dict[str, Source]:
    """Return the files as an installation has them: see the wheel's targets in pyproject.toml."""
    places = {"aibom": "aibom", "rules": "aibom/_rules", "schemas": "aibom/_schemas"}
    return {
        f"{images.SITE_PACKAGES}/{inside}/{file.relative_to(REPOSITORY / folder)}": file
        for folder, inside in places.items()
        for file in sorted((REPOSITORY / folder).rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }
