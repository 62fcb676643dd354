"""Who to be at a registry: the login that docker, podman or skopeo already know."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from aibom.formats.containers import logins
from aibom.formats.containers.logins import HUB_KEY, Login, LoginFile
from aibom.formats.containers.reference import DOCKER_HUB, Reference
from aibom.formats.source import FormatError
from aibom.sources.errors import SourceError

#: Largest file of logins that is read, and most of what a helper may print, in bytes.
MAX_FILE = 1 << 20
#: Seconds that a credential helper may take.
HELPER_PATIENCE = 30


def find(image: Reference, environment: Mapping[str, str]) -> Login | None:
    """Return the login of the first file that has one for an image, None where none has.

    A program (``docker-credential-NAME``) is run only where the user's own file names it for this
    registry. Raises SourceError naming a file or a program that cannot be used.
    """
    for path in _places(environment):
        file = _read(path)
        if file is None:
            continue
        # docker asks the helper and leaves the file's own entry alone; podman reads the file first
        if login := file.login(image):
            return login
        if (name := file.helper(image)) and (login := _ask(name, image, path)):
            return login
    return None


def _places(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where logins may be, the order being containers-auth.json(5)'s."""
    if chosen := environment.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
        return
    home = Path(environment.get("HOME") or "/nonexistent")
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "containers" / "auth.json"
    else:
        yield Path(f"/run/containers/{os.getuid()}/auth.json")
    settings = environment.get("XDG_CONFIG_HOME")
    yield (Path(settings) if settings else home / ".config") / "containers" / "auth.json"
    docker = environment.get("DOCKER_CONFIG")
    yield (Path(docker) if docker else home / ".docker") / "config.json"


def _read(path: Path) -> LoginFile | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise SourceError(f"{path}: larger than {MAX_FILE >> 20} MiB, the most that is read")
        return logins.parse(data)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    except FormatError as error:
        raise SourceError(f"{path}: {error}") from None


def _ask(name: str, image: Reference, path: Path) -> Login | None:
    """Ask a credential helper; docker/docker-credential-helpers: ``get``, the registry on stdin."""
    program = f"docker-credential-{name}"
    registry = HUB_KEY if image.registry == DOCKER_HUB else image.registry
    try:
        done = subprocess.run(  # noqa: S603 - the user's own configuration names it
            [program, "get"],
            input=registry.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=HELPER_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(
            f"{program}, named by {path}, took more than {HELPER_PATIENCE} s"
        ) from None
    except OSError as error:
        raise SourceError(f"{program}, named by {path}: {error.strerror}") from None
    # its way of saying that it knows no login is to fail
    if done.returncode or len(done.stdout) > MAX_FILE:
        return None
    return logins.answer(done.stdout)
