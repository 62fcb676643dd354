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


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a raw byte, by the surrogateescape error handler (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
