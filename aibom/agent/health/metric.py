"""One metric: its name, what it means, and when to worry about it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from aibom.agent.status import Status

#: Values of a metric's labels, in their order, with what was counted.
Samples = Iterator[tuple[tuple[str, ...], float]]

#: Most values of one label that the code does not list: a metric stays small whatever happens.
MAX_VALUES = 32
#: What stands for every value that is no plain word, or one too many.
OTHER = "other"
#: A word of our own: nothing that a workload can choose looks like one for long.
_WORD = re.compile(r"[a-z][a-z0-9 -]{0,39}")


@dataclass(frozen=True, slots=True)
class Metric:
    """What is said of one metric.

    ``name`` is the one that is asked for in Prometheus, with a counter's ``_total`` and an info's
    ``_info``. ``meaning`` is its help text, ``worry`` says when to worry, empty for never.
    """

    name: str
    type: Literal["gauge", "counter", "histogram", "info"]
    meaning: str
    worry: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric that is read from a status."""

    metric: Metric
    read: Callable[[Status], Samples]


def number(of: Callable[[Status], float]) -> Callable[[Status], Samples]:
    """Make a reading without labels."""

    def read(status: Status) -> Samples:
        yield (), float(of(status))

    return read


def counted(
    of: Callable[[Status], Mapping[str, int]], known: tuple[str, ...] = ()
) -> Callable[[Status], Samples]:
    """Make a reading with one label.

    Each ``known`` value is there, with 0 where nothing was counted, so that a rate begins with the
    first one. Others are kept when they are plain words, ``MAX_VALUES`` at most.
    """

    def read(status: Status) -> Samples:
        kept = dict.fromkeys(known, 0)
        for value, count in sorted(of(status).items()):
            word = value if value in kept or _fits(value, len(kept) - len(known)) else OTHER
            kept[word] = kept.get(word, 0) + count
        for value, count in kept.items():
            yield (value,), float(count)

    return read


def _fits(value: str, others: int) -> bool:
    return others < MAX_VALUES and _WORD.fullmatch(value) is not None
