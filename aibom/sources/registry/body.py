"""The body of an answer as a stream: as it was sent, and not slower than a bad line allows."""

import io
import time
from typing import BinaryIO, cast
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from aibom.formats.text import printable
from aibom.sources import transport
from aibom.sources.errors import SourceError

# bytes per second on average, after the time that an answer without a body may take
_SLOWEST = 16 << 10


def stream(response: requests.Response, size: int) -> BinaryIO:
    """Return the body of an answer that should have ``size`` bytes; closing it closes the answer.

    A content coding is refused: none was asked for, and a digest is that of the plain content.
    Raises SourceError, at once or when it is read.
    """
    coding = response.headers.get("Content-Encoding", "identity")
    if coding.lower() != "identity":
        response.close()
        host = host_of(response)
        raise SourceError(f"{host}: sends it encoded as {printable(coding, 40)}, unasked")
    return cast("BinaryIO", _Body(response, size))


def host_of(response: requests.Response) -> str:
    """Return who answered, for messages; its URL may have secrets in it."""
    return printable(urlsplit(response.url).netloc.rpartition("@")[2], 200)


class _Body(io.RawIOBase):
    def __init__(self, response: requests.Response, size: int) -> None:
        super().__init__()
        self._response = response
        self._end = time.monotonic() + transport.ANSWER + size / _SLOWEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        host = host_of(self._response)
        if time.monotonic() > self._end:
            raise SourceError(f"{host}: sends it too slowly")
        try:
            # read1 returns what came: read would wait until the buffer is full
            data = self._response.raw.read1(len(buffer), decode_content=False)
        except (OSError, HTTPError) as error:
            raise SourceError(f"{host}: {transport.why(error)}") from None
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._response.close()
        super().close()
