"""Text in a template that people do not see, or that is not meant for them."""

import re
from collections.abc import Iterator

# Unicode, "Tags" block: invisible letters, used to hide instructions; flags of regions begin with
# a black flag and have them rightly
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+")
# directional overrides and isolates, which show a text in another order
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
# one joins emoji or Persian letters; several in a row carry something else
_ZERO_WIDTH = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff]{4}")
# Base64 (RFC 4648) of 150 bytes and more
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{200}")
_SCRIPT = re.compile(r"<script\b", re.IGNORECASE)


def hidden(text: str) -> Iterator[str]:
    """Say what a text hides from those who read it, or hands to a browser."""
    if _TAGS.search(text):
        yield "invisible letters (Unicode tags)"
    if _DIRECTIONS.search(text):
        yield "characters that change the direction of text"
    if _ZERO_WIDTH.search(text):
        yield "a row of characters without width"
    if any(_is_encoded(match[0]) for match in _BASE64.finditer(text)):
        yield "a long text in base64"
    if _SCRIPT.search(text):
        yield "a script for a browser (<script)"


def _is_encoded(text: str) -> bool:
    """Tell base64 from a line of dashes or a word: it has letters of both cases and digits."""
    classes = (str.islower, str.isupper, str.isdigit)
    return len(set(text)) > 12 and all(any(map(of_class, text)) for of_class in classes)
