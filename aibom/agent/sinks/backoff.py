"""For how long to wait before something is tried again."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import SystemRandom

#: Seconds before the second try at the most, and before any later one.
SHORTEST, LONGEST = 1.0, 300.0
#: The longest wait that a receiver may ask for, in seconds.
LONGEST_ASKED = 900.0


def _somewhere(most: float) -> float:
    return SystemRandom().uniform(0, most)


class Backoff:
    """Ever longer waits with full jitter: a thousand nodes do not come back in one second."""

    def __init__(self, spread: Callable[[float], float] = _somewhere) -> None:
        """Begin; ``spread`` returns a number from 0 to the one that it is given."""
        self._spread = spread
        self._tries = 0

    def reset(self) -> None:
        """Begin anew, as something went well."""
        self._tries = 0

    def next(self, asked: float = 0.0) -> float:
        """Return the seconds to wait after a failure, at least those that were asked for."""
        most = min(LONGEST, SHORTEST * 2 ** min(self._tries, 30))
        self._tries += 1
        return max(self._spread(most), min(asked, LONGEST_ASKED))


def asked_for(headers: Mapping[str, str]) -> float:
    """Return the seconds that an answer asks to wait (RFC 9110, 10.2.3), or 0.

    A date is taken from the answer's own, so that it does not matter what time we think it is.
    """
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", said):
        return float(said)
    try:
        until = _aware(parsedate_to_datetime(said))
        since = _aware(parsedate_to_datetime(headers.get("Date", "")))
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return max(0.0, (until - since).total_seconds())


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
