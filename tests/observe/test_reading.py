"""Files whose length is not known before."""

import io

import pytest

from aibom.observe.host.reading import at_most


class Dribbling(io.BytesIO):
    """Gives less than it is asked for, as /proc does; ``asked`` is the most at once."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        self.asked = max(self.asked, size)
        return super().read(min(size, 4096))


@pytest.mark.parametrize("limit", [0, 1, 4096, 99_999, 100_000, 100_001, 1 << 40])
def test_all_there_is_and_no_more_than_may_be(limit: int) -> None:
    data = bytes(range(250)) * 400
    file = Dribbling(data)
    assert at_most(file, limit) == data[:limit]
    assert file.asked <= 1 << 16, "room for what may be is not made at once"
