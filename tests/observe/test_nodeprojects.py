"""The direct dependencies of a script's own package, as Node.js would find them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aibom.observe.host.live import LiveHost
from aibom.observe.packages import nodeprojects
from aibom.observe.packages.nodeprojects import NodeProjects
from aibom.observe.packages.programs import Programs
from aibom.observe.python.pythonpath import Environments

SHA = "sha512-" + "A" * 86 + "=="
NAMED = frozenset({"openai", "@ai-sdk/core"})
Listed = Callable[[str], dict[str, tuple[str, str]]]


@pytest.fixture
def projects() -> NodeProjects:
    host = LiveHost()
    return NodeProjects(host, Programs(host, Environments(host)), NAMED.__contains__)


@pytest.fixture
def listed(tmp_path: Path, projects: NodeProjects) -> Listed:
    """Return by name the version and integrity of what a script's package lists."""

    def asked(script: str) -> dict[str, tuple[str, str]]:
        found = projects.listed(os.getpid(), str(tmp_path / script))
        return {package.name: (package.version, package.integrity) for package in found}

    return asked


def write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def install(folder: Path, name: str, version: str = "1.0.0", **fields: Any) -> None:
    document = {"name": name, "version": version} | fields
    write(folder / "node_modules" / name / "package.json", document)


def test_of_a_private_package_without_a_name(tmp_path: Path, listed: Listed) -> None:
    dependencies = {"openai": "*", "left-pad": "*", "@ai-sdk/core": "*"}
    write(tmp_path / "package.json", {"private": True, "dependencies": dependencies})
    write(tmp_path / "dist/package.json", {"type": "module"})
    install(tmp_path, "openai")
    install(tmp_path, "left-pad")
    # @ai-sdk/core is not installed
    assert listed("dist/app.js") == {"openai": ("1.0.0", "")}


def test_the_nearest_one_counts_as_in_a_monorepo(tmp_path: Path, listed: Listed) -> None:
    own = tmp_path / "packages/app"
    write(own / "package.json", {"name": "app", "dependencies": {"openai": "*"}})
    write(tmp_path / "package.json", {"dependencies": {"@ai-sdk/core": "*"}})
    install(tmp_path, "openai", "4.0.0")
    install(tmp_path, "@ai-sdk/core")
    assert listed("packages/app/app.js") == {"openai": ("4.0.0", "")}
    install(own, "openai", "5.0.0")
    assert listed("packages/app/app.js") == {"openai": ("5.0.0", "")}


def test_what_is_installed_under_anothers_name_is_what_it_says(
    tmp_path: Path, listed: Listed
) -> None:
    write(tmp_path / "package.json", {"dependencies": {"openai": "npm:other@1"}})
    write(tmp_path / "node_modules/openai/package.json", {"name": "other", "version": "1.0.0"})
    assert listed("app.js") == {}


def test_a_script_of_somebody_elses_package_lists_nothing(tmp_path: Path, listed: Listed) -> None:
    install(tmp_path, "tool", dependencies={"openai": "*"})
    install(tmp_path, "openai")
    assert listed("node_modules/tool/cli.js") == {}


@pytest.mark.parametrize("lock", ["package-lock.json", "node_modules/.package-lock.json"])
def test_integrity_of_the_version_that_is_there(tmp_path: Path, listed: Listed, lock: str) -> None:
    write(tmp_path / "package.json", {"dependencies": {"openai": "*"}})
    install(tmp_path, "openai")
    packages = {"node_modules/openai": {"version": "1.0.0", "integrity": SHA}}
    write(tmp_path / lock, {"packages": packages})
    assert listed("app.js") == {"openai": ("1.0.0", SHA)}
    install(tmp_path, "openai", "1.0.10")
    assert listed("app.js") == {"openai": ("1.0.10", "")}


def test_a_link_is_followed_and_a_broken_file_is_nothing(tmp_path: Path, listed: Listed) -> None:
    write(tmp_path / "package.json", {"dependencies": {"openai": "*", "@ai-sdk/core": "*"}})
    store = tmp_path / "node_modules/.pnpm/openai@1"
    install(store, "openai")
    (tmp_path / "node_modules/openai").symlink_to(store / "node_modules/openai")
    broken = tmp_path / "node_modules/@ai-sdk/core/package.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    assert listed("app.js") == {"openai": ("1.0.0", "")}


def test_files_are_read_once(
    tmp_path: Path, projects: NodeProjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "package.json", {"dependencies": {"openai": "*"}})
    install(tmp_path, "openai")
    write(tmp_path / "package-lock.json", {"packages": {}})
    first = projects.listed(os.getpid(), str(tmp_path / "app.js"))
    monkeypatch.setattr(nodeprojects, "read_in_root", None)
    assert projects.listed(os.getpid(), str(tmp_path / "other.js")) == first
