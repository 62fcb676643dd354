"""Text of others inside Markdown: shown as it is, never a link, a mention or markup."""

import re

from aibom.formats.text import printable

# GitHub Flavored Markdown 0.31, 2.5: entities never make structure. Dollars are formulas on GitHub
_SPECIAL = {ord(c): f"&#{ord(c)};" for c in "&<>`*_~[]|\\$"}
# what code hosts turn into links by themselves: a character without width keeps them apart
_ZERO_WIDTH = "\u200b"
_LINKED = re.compile(r"@|:(?=//)|\bwww(?=\.)|#(?=\d)|\b(?:GH|gh)-(?=\d)|!(?=\d)")
# what would begin a heading, a list or a line at the start of a block; the rest is in _SPECIAL
_BLOCK = re.compile(r"^(\d{0,9})((?<=\d)[.)]|(?<!\d)[-+=#])")
# what a code span shows as it stands, also in a cell of a table and inside of HTML
_PLAIN = re.compile(r"[^`|<>&\\\n]*[^`|<>&\\\s][^`|<>&\\\n]*")

_COPIED = re.compile(
    r"(\bpkg:[a-z]{1,20}/[A-Za-z0-9._~%/@?=+-]*[A-Za-z0-9]|\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b)"
)
_URL = re.compile(r"https://[A-Za-z0-9._~/?=&#-]+")


def is_link(url: str) -> bool:
    """Say whether a URL can be linked to as it stands."""
    return bool(_URL.fullmatch(url))


def prose(text: str, limit: int = 1_000) -> str:
    """Return ``text`` so that it reads as it stands: in a paragraph, a cell, or inside of HTML.

    Package URLs and digests become code spans, so that they can be copied.
    """
    shown = printable(text, limit).strip()
    parts = _COPIED.split(shown)  # every second one is such a span
    told = "".join(f"`{p}`" if i % 2 else _escaped(p) for i, p in enumerate(parts))
    return _BLOCK.sub(lambda match: f"{match[1]}&#{ord(match[2])};", told, count=1)


def _escaped(text: str) -> str:
    apart = _LINKED.sub(lambda match: match[0] + _ZERO_WIDTH, text)
    return apart.translate(_SPECIAL)


def code(text: str, limit: int = 300) -> str:
    """Return ``text`` as a code span where that shows it unchanged, else as prose."""
    shown = printable(text, limit)
    plain = _PLAIN.fullmatch(shown) and shown == shown.strip()
    return f"`{shown}`" if plain else prose(text, limit)


def link(title: str, url: str) -> str:
    """Return a link to one of our own references; anything but https is only told."""
    if not is_link(url):
        return prose(title)
    return f"[{prose(title)}]({url.replace('&', '&amp;')})"
