"""aibom's image: the same sources give the same bytes, wherever and whenever they are built."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from rig.cache import REPOSITORY, cache_folder, filling
from rig.deploy import image, wheel
from rig.errors import RigError
from rig.layer import Layer
from rig.node import may_not_run
from rig.oci import Config, build

pytestmark = pytest.mark.live


@pytest.fixture
def built(tmp_path: Path) -> Path:
    try:
        with filling(cache_folder()):
            return wheel.build(tmp_path / "one", cache_folder())
    except RigError as error:
        pytest.skip(f"needs packages from PyPI: {error}")


def test_a_wheel_of_a_copy_is_the_same_wheel(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    files = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if files.returncode:
        pytest.skip("needs a checkout of git")
    for name in files.stdout.split("\0"):
        if name.startswith(("aibom/", "rules/", "schemas/", "pyproject", "README")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, copy / name)
            os.utime(copy / name, (1, 1))
    with filling(cache_folder()):
        second = wheel.build(tmp_path / "two", cache_folder(), copy)
    assert second.name == built.name
    assert second.read_bytes() == built.read_bytes()


def test_fetched_and_packed_twice_it_has_one_digest(built: Path, tmp_path: Path) -> None:
    cache = cache_folder()
    other = tmp_path / "cache"  # of its own, except for what was downloaded
    other.mkdir()
    (other / "uv").symlink_to(cache / "uv")

    def packed(where: Path, name: str) -> str:
        layers: list[Layer] = [image.layer_of_dependencies(where), image.layer_of_program(built)]
        return build(tmp_path / name, image.NAME, layers, Config(("aibom",))).digest

    with filling(cache):
        first = packed(cache, "a.tar")
    assert first == packed(other, "b.tar")


def test_the_image_holds_what_runs_and_nothing_of_this_machine(built: Path) -> None:
    if obstacle := may_not_run():
        pytest.skip(obstacle)
    with filling(cache_folder()):
        made = image.image(cache_folder(), built)
    with tarfile.open(made.archive) as outer:
        names: dict[str, tarfile.TarInfo] = {}
        for digest in made.layers:
            blob = outer.extractfile(f"blobs/{digest.replace(':', '/')}")
            with tarfile.open(fileobj=blob) as layer:
                names |= {member.name: member for member in layer}
    assert names["usr/local/bin/aibom"].mode == 0o755
    assert {(member.uid, member.gid, member.mtime) for member in names.values()} == {(0, 0, 0)}
    assert not [name for name in names if name.endswith("direct_url.json")]
    assert not [name for name, member in names.items() if member.mode & 0o6000]
    assert any(name.endswith("aibom/_rules") for name in names)
