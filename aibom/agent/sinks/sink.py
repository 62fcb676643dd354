"""What every sink can do, and how a delivery fails."""

from collections.abc import Sequence
from typing import Protocol

from aibom.agent.events import NewBom, NewFinding
from aibom.agent.sinks.item import Item

#: What an agent offers.
Event = NewFinding | NewBom


class Sink(Protocol):
    """One place to send to."""

    def items(self, events: Sequence[Event]) -> list[Item]:
        """Return what it wants of some events, as it will be sent."""

    def deliver(self, item: Item) -> None:
        """Send an item; when this returns it was taken. Raises RefusedError or LaterError."""

    def rest(self) -> None:
        """Close what was open, as nothing waits; it is opened again for the next item."""


class RefusedError(Exception):
    """An item that is not wanted, whenever it is sent; the message says why."""


class LaterError(Exception):
    """An item that could not be delivered now; the message says why.

    ``after`` is for how long the receiver asks to wait, in seconds. ``own`` is true where the
    cause may be this one item.
    """

    def __init__(self, reason: str, *, after: float = 0.0, own: bool = False) -> None:
        """Keep what is known."""
        super().__init__(reason)
        self.after, self.own = after, own
