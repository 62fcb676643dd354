"""A command that is watched from its first instruction to its end."""

import contextlib
import ctypes
import errno
import os
import signal
import time
from collections.abc import Sequence
from types import FrameType

# include/uapi/linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36
_GO = b"."
_PAUSE_SECONDS = 0.05
#: What a shell answers for a command that is there and cannot be run, and for one that is not.
NOT_EXECUTABLE = 126
NOT_FOUND = 127
# what Python ignores, and a program expects to have its default
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
#: Signals that are for the command, and not for its watcher.
FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
#: Signals that a terminal sends to the command as well.
SHARED = (signal.SIGINT, signal.SIGQUIT)


class CommandNotRunError(Exception):
    """A command could not be started; ``code`` is what a shell would answer."""

    def __init__(self, name: str, error: int) -> None:
        """Say why ``name`` could not be run, by its errno."""
        super().__init__(f"{name}: {os.strerror(error)}")
        self.code = NOT_FOUND if error == errno.ENOENT else NOT_EXECUTABLE


class Command:
    """A child that waits for ``release`` before it begins its program.

    Make it before any thread is started: it is forked.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        """Fork the child; it shares input, output and the terminal with this process."""
        self._name = argv[0]
        # its orphans become our children, so that their lineage is not lost
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        # with an inherited SIG_IGN the kernel reaps children, and nobody learns how they ended
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        waits, self._gate = os.pipe2(os.O_CLOEXEC)
        self._failed, fails = os.pipe2(os.O_CLOEXEC)
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._gate)
            _become(argv, waits, fails)
        os.close(waits)
        os.close(fails)
        self._status: int | None = None
        self._begun = False

    def release(self) -> None:
        """Let the child begin its program. Raises CommandNotRunError."""
        self._share_signals()
        os.write(self._gate, _GO)
        os.close(self._gate)
        # the descriptor is closed by the exec, so this ends when the program has begun
        with os.fdopen(self._failed, "rb") as failed:
            error = failed.read(16)
        if error:
            os.waitpid(self.pid, 0)
            raise CommandNotRunError(self._name, int(error))
        self._begun = True

    def cancel(self) -> None:
        """End the child, which has not begun its program."""
        os.close(self._gate)
        os.waitpid(self.pid, 0)

    def _share_signals(self) -> None:
        # a terminal sends these to the command as well; anybody else means it by them
        shared = signal.SIG_IGN if _has_terminal() else self._forward
        for number in SHARED:
            signal.signal(number, shared)
        for number in FORWARDED:
            signal.signal(number, self._forward)

    def _forward(self, number: int, _: FrameType | None) -> None:
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self) -> None:
        """Wait for the command's end, if it has begun."""
        while self._begun and self.poll() is None:
            time.sleep(_PAUSE_SECONDS)
        # from here on signals are meant for us
        for number in (*SHARED, *FORWARDED):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def poll(self) -> int | None:
        """Return the exit code as a shell gives it, None while the command runs."""
        while self._status is None:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == self.pid:
                code = os.waitstatus_to_exitcode(status)
                # shells report a process that a signal ended as 128 and the signal's number
                self._status = code if code >= 0 else 128 - code
        return self._status


def _has_terminal() -> bool:
    """Say whether this process has a controlling terminal (tty(4))."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _become(argv: Sequence[str], waits: int, fails: int) -> None:
    """Wait for the word, and begin the program; never returns."""
    code = NOT_FOUND
    try:
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if os.read(waits, 1) == _GO:
            os.execvp(argv[0], list(argv))  # noqa: S606 - it is what the user asked for
    except (OSError, ValueError) as error:  # a name that is empty, or holds a NUL
        code_of = getattr(error, "errno", None) or errno.ENOENT
        os.write(fails, str(code_of).encode())
    finally:
        os._exit(code)
