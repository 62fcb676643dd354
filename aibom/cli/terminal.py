"""Where output goes: data to stdout, everything about the run to stderr, files written whole."""

import os
import stat
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from aibom.formats.text import printable, uncommanding

# Exit codes, the same for every command (README, "Exit codes")
OK = 0
FINDINGS = 1
TROUBLE = 2
INCOMPLETE = 3
#: What a command that runs another one answers when it fails itself (as env(1) and timeout(1)).
COMMAND_FAILED = 125


class CommandError(Exception):
    """Trouble that the user can mend; the message says what happened and what to do."""


def say(message: str) -> None:
    """Print one line about the run to stderr."""
    print(f"aibom: {uncommanding(printable(message, 2000))}", file=sys.stderr)


def busy(message: str) -> AbstractContextManager[object]:
    """Show that something takes its time, on terminals only."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console  # noqa: PLC0415 - nearly 2 MB, and an agent has no terminal
    from rich.text import Text  # noqa: PLC0415

    return Console(stderr=True).status(Text(message))


def write_stdout(text: str) -> None:
    """Write a document to stdout."""
    if sys.stdout is None:
        raise CommandError("stdout is closed; name a file with -o")
    sys.stdout.write(text)
    sys.stdout.flush()


def write_file(path: Path, text: str) -> None:
    """Write a document to a file, whole or not at all. Raises CommandError.

    The file is private to its owner at first sight only by the umask; a symlink that stands at
    ``path`` is replaced, not followed, unless it leads to a pipe or a character device, as
    /dev/stdout does: these are written to, and stay.
    """
    try:
        if _is_stream(path):
            _write_stream(path, text)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(name)
        raise CommandError(f"cannot write {path}: {error.strerror}") from None


def _is_stream(path: Path) -> bool:
    """Say whether a pipe or a terminal, /dev/null or the like is there; refuse other oddities."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise CommandError(f"cannot write {path}: not a regular file")
    # /dev/stdout is a link of the machine's, which root must not replace for a redirected run
    is_links = str(path.absolute().parent) in ("/dev", "/dev/fd")
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or is_links


def _write_stream(path: Path, text: str) -> None:
    # O_NONBLOCK: a FIFO without a reader must not hold us
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def read_file(path: str, limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes. Raises CommandError."""
    try:
        # O_NONBLOCK: a FIFO without a writer must not hold us
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not os.path.isfile(f"/proc/self/fd/{descriptor}"):
                raise CommandError(f"{path}: not a regular file")
            # of some files in /proc there is nothing to be had without waiting
            data = file.read(limit + 1) or b""
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if len(data) > limit:
        raise CommandError(f"{path}: larger than {limit >> 20} MiB, the most that is read")
    return data
