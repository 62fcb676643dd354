"""Something that could not be seen, and why."""

from dataclasses import dataclass
from typing import Literal

UnseenReason = Literal[
    "vanished",
    "denied",
    "unreadable",
    "damaged",
    "too-large",
    "not-regular",
    "remote-filesystem",
    "outside-root",
    "sensor",
    "runtime",
    "lost",
    "unattributed",
    "pending",
]


@dataclass(frozen=True, slots=True, order=True)
class Unseen:
    """Something that could not be seen: absence of evidence, never evidence of absence.

    ``subject`` says what was not seen, ``detail`` why in the system's or parser's own words,
    ``remedy`` what would make it visible. ``pid`` ties it to a process, where there is one.
    ``pending`` is what will be seen by itself: a digest that is still being computed.
    """

    reason: UnseenReason
    subject: str
    detail: str = ""
    remedy: str = ""
    pid: int | None = None
