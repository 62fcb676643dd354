"""What the tests of sinks share."""

from collections.abc import Iterator

import pytest

from aibom.agent.sinks import backoff
from tests.agent.sinks.receiver import Receiver, Said, receiving


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long, and no proxy of the machine's is asked."""
    monkeypatch.setattr(backoff, "SHORTEST", 0.002)
    monkeypatch.setattr(backoff, "LONGEST", 0.02)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def said() -> Said:
    return Said()
