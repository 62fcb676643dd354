"""Patterns with ``*``: on whole fields, anchored at both ends, in linear time.

A pattern never crosses the border of a field: ``acme/*`` names what ``acme`` itself has, and
``*.acme.example`` no host of two more labels. No other character has a meaning.
"""


def matches(pattern: str, field: str) -> bool:
    """Say whether ``field`` is what ``pattern`` stands for; ``*`` is any run of characters."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == field
    *middle, last = rest
    if not field.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = field.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(field) - at >= len(last) and field.endswith(last)


def matches_fields(pattern: str, text: str, border: str) -> bool:
    """Say whether ``text`` matches field by field, where ``border`` stands between them."""
    wanted, found = pattern.split(border), text.split(border)
    return len(wanted) == len(found) and all(map(matches, wanted, found))
