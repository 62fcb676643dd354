"""Where logins are looked for, and which programs are asked."""

import json
from pathlib import Path

import pytest

from aibom.formats.containers import reference
from aibom.formats.containers.logins import Login
from aibom.sources.errors import SourceError
from aibom.sources.registry import credentials
from aibom.sources.registry.credentials import find

IMAGE = reference.parse("ghcr.io/team/app")
HUB = reference.parse("debian")


def write(path: Path, **members: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(members))
    return path


def auths(user: str) -> dict[str, object]:
    return {"ghcr.io": {"username": user, "password": "1"}}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return {"HOME": str(tmp_path / "home"), "XDG_RUNTIME_DIR": str(tmp_path / "run")}


def helper(folder: Path, name: str, script: str) -> None:
    path = folder / "bin" / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_first_file_that_knows_wins(tmp_path: Path, environment: dict[str, str]) -> None:
    assert find(IMAGE, environment) is None
    write(tmp_path / "home/.docker/config.json", auths=auths("docker"))
    assert find(IMAGE, environment) == Login("docker", "1")
    write(tmp_path / "moved/config.json", auths=auths("moved"))
    environment["DOCKER_CONFIG"] = str(tmp_path / "moved")
    assert find(IMAGE, environment) == Login("moved", "1")
    write(tmp_path / "home/.config/containers/auth.json", auths=auths("settings"))
    assert find(IMAGE, environment) == Login("settings", "1")
    write(tmp_path / "run/containers/auth.json", auths=auths("podman"))
    assert find(IMAGE, environment) == Login("podman", "1")
    environment["REGISTRY_AUTH_FILE"] = str(write(tmp_path / "x.json", auths=auths("chosen")))
    assert find(IMAGE, environment) == Login("chosen", "1")
    assert find(HUB, environment) is None


def test_a_broken_file_is_named(tmp_path: Path, environment: dict[str, str]) -> None:
    path = write(tmp_path / "home/.docker/config.json")
    path.write_text("{")
    with pytest.raises(SourceError, match=f"{path}: not JSON"):
        find(IMAGE, environment)
    path.write_bytes(b" " * (credentials.MAX_FILE + 1))
    with pytest.raises(SourceError, match="larger than 1 MiB"):
        find(IMAGE, environment)


def test_a_helper_is_asked(tmp_path: Path, environment: dict[str, str]) -> None:
    write(tmp_path / "home/.docker/config.json", credsStore="test")
    asked = tmp_path / "asked"
    answer = '{"Username": "<token>", "Secret": "long"}'
    helper(tmp_path, "test", f"echo \"$1 $(cat)\" >> {asked}; echo '{answer}'")
    assert find(IMAGE, environment) == Login(identity_token="long")  # noqa: S106
    assert find(HUB, environment) == Login(identity_token="long")  # noqa: S106
    assert asked.read_text() == "get ghcr.io\nget https://index.docker.io/v1/\n"


def test_a_helper_that_knows_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    write(tmp_path / "home/.docker/config.json", credHelpers={"ghcr.io": "test"})
    helper(tmp_path, "test", "echo credentials not found in native keychain; exit 1")
    assert find(IMAGE, environment) is None


def test_a_helper_that_does_not_exist(tmp_path: Path, environment: dict[str, str]) -> None:
    write(tmp_path / "home/.docker/config.json", credsStore="none-of-this-name")
    with pytest.raises(
        SourceError, match=r"docker-credential-none-of-this-name, named by .*No such"
    ):
        find(IMAGE, environment)


def test_a_helper_that_hangs(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "HELPER_PATIENCE", 0.2)
    write(tmp_path / "home/.docker/config.json", credsStore="test")
    helper(tmp_path, "test", "exec sleep 600")
    with pytest.raises(SourceError, match="took more than"):
        find(IMAGE, environment)


def test_a_helper_is_no_path(tmp_path: Path, environment: dict[str, str]) -> None:
    write(tmp_path / "home/.docker/config.json", credsStore="../../evil")
    with pytest.raises(SourceError, match="no name of a credential helper"):
        find(IMAGE, environment)
