"""Sizes and times as people write them."""

import re
from decimal import Decimal

# of Kubernetes' quantities: decimal and binary multiples (docs, "Resource units"); K as in
# aibom's other options
_SIZES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZES |= {"ki": 2**10, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
#: A number with a unit, for JSON schema as well.
SIZE_PATTERN = r"^([0-9]{1,18}(?:\.[0-9]{1,6})?)([kKMGT]i?|)B?$"
_SIZE = re.compile(SIZE_PATTERN)
#: More than any file system holds, and well within the 64 bits of databases and system calls.
_MOST = 2**60
#: Minutes of each unit of time.
_MINUTES = {"w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}
#: The same of a time.
DAYS_PATTERN = r"^([0-9]{1,9}(?:\.[0-9]{1,9})?)([wdhm]?)$"
_DAYS = re.compile(DAYS_PATTERN)


def size_of(text: str) -> int:
    """Return the bytes that a text such as 500M, 20G or 128Mi stands for. Raises ValueError."""
    match = _SIZE.fullmatch(text)
    size = int(Decimal(match[1]) * _SIZES[match[2]]) if match is not None else None
    if size is None or size > _MOST:
        raise ValueError(text)
    return size


def days_of(text: str) -> float:
    """Return the days that a text such as 2w, 7d, 12h or 30m stands for. Raises ValueError."""
    match = _DAYS.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return float(Decimal(match[1]) * _MINUTES[match[2] or "d"] / _MINUTES["d"])


def size_text(size: int) -> str | int:
    """Return bytes as ``size_of`` reads them, as short as it goes."""
    for unit in ("T", "G", "M", "Ti", "Gi", "Mi", "Ki", "K"):
        if size and size % _SIZES[unit] == 0:
            return f"{size // _SIZES[unit]}{unit}"
    return size


def days_text(days: float) -> str | float:
    """Return days as ``days_of`` reads them, as short as it goes without losing anything."""
    for unit in ("d", "h", "m"):
        number = round(days * _MINUTES["d"] / _MINUTES[unit])
        if number < 10**9 and days_of(text := f"{number}{unit}") == days:
            return text
    return days
