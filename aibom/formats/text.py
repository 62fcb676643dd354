"""Text that a workload chose, made fit for documents and terminals."""

import re

_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def printable(text: str, limit: int = 4096) -> str:
    r"""Return ``text`` on one line without control characters, at most ``limit`` characters.

    Control characters, direction marks and bytes that are no UTF-8 (held as surrogates) become
    ``\xNN`` or ``\uNNNN``, so that nothing is lost and nothing moves a cursor.
    """
    shown = _CONTROL.sub(_escape, text[: limit + 1])
    return shown if len(shown) <= limit else shown[:limit] + "…"


# What runs in a pipeline's log is read for commands: GitHub's runner takes a line that begins with
# "::" after its blanks, and "##[" anywhere in one (actions/runner, ActionCommand.cs); the agent of
# Azure Pipelines "##vso[" anywhere (azure-pipelines-agent, Command.cs).
_COMMAND = re.compile(r"^(?P<blanks>[^\S\n]*):(?=:)|#(?=#(?:vso)?\[)", re.MULTILINE)


def uncommanding(text: str) -> str:
    r"""Return text of any number of lines in which no log of a pipeline finds a command.

    The first sign of what would be one becomes ``\xNN``, as ``printable`` writes it.
    """
    return _COMMAND.sub(_spelt, text)


def _spelt(match: re.Match[str]) -> str:
    return f"{match['blanks'] or ''}\\x{ord(match[0][-1]):02x}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a raw byte, by the surrogateescape error handler (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
