"""Straight lines through measured points: how fast something grows, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Line:
    """A line of least squares: where it begins, how it rises, and the standard error of that."""

    start: float
    slope: float
    error: float


def through(points: Sequence[tuple[float, float]]) -> Line:
    """Return the line of least squares through points (x, y).

    Fewer than three points, or all of one x, have no slope that could be told.
    """
    count = len(points)
    if count < 3 or len({x for x, _ in points}) == 1:
        return Line(sum(y for _, y in points) / count if count else 0.0, 0.0, float("inf"))
    mean_x, mean_y = (sum(values) / count for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    start = mean_y - slope * mean_x
    residue = sum((y - start - slope * x) ** 2 for x, y in points)
    return Line(start, slope, sqrt(residue / (count - 2) / spread))
