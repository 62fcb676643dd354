"""Posting to one URL: within limits, and to where it may be."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlunsplit

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from aibom import __version__
from aibom.agent.destinations import Destinations, parts_of
from aibom.agent.sinks.backoff import asked_for
from aibom.agent.sinks.sink import LaterError, RefusedError
from aibom.sources import transport
from aibom.sources.errors import SourceError

#: Seconds for a connection and for sending what is sent, and for each wait for the next bytes.
CONNECT, READ = 30.0, 30.0
#: Seconds for the body of an answer, however it trickles in, and most bytes of it that are read.
BODY, MAX_BODY = 10.0, 64 << 10
#: Longest secret, in bytes.
MAX_SECRET = 16 << 10

# what says "not now" of everything that is sent (RFC 9110, RFC 6585 and RFC 8470)
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
# what is the fault of the settings, or of the one item: wrong key, path, project
_SETTINGS = frozenset({401, 407})
_EITHER = frozenset({403, 404, 405})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``after`` is for how long it asks to wait, in seconds."""

    status: int
    body: bytes
    after: float = 0.0


class Poster:
    """Posts to one URL, by connections that are kept while there is something to post."""

    def __init__(self, url: str, ca_file: str, where: str) -> None:
        """Connect to nothing yet. Raises AgentError when the URL is none to post to."""
        parts = parts_of(url, where)
        self.url = url
        #: The URL as it may be shown.
        self.shown = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        self._ca_file = ca_file
        self._trusted: object = None
        self._session: requests.Session | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer to a POST, whatever its status is. Raises LaterError."""
        try:
            response = self._current().post(
                self.url,
                data=body,
                headers={"User-Agent": f"aibom/{__version__}", "Accept-Encoding": "identity"}
                | dict(headers),
                timeout=(CONNECT, READ),
                allow_redirects=False,
                stream=True,
                proxies=get_environ_proxies(self.url),
            )
        except SourceError as error:
            raise LaterError(str(error)) from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise LaterError(f"{self.shown}: {transport.why(error)}") from None
        with response:
            return Answer(response.status_code, _body(response), asked_for(response.headers))

    def rest(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    def _current(self) -> requests.Session:
        """Return a session that trusts what the file of certificates says by now."""
        trusted = _identity(self._ca_file) if self._ca_file else None
        if self._session is None or trusted != self._trusted:
            self.rest()
            context = transport.trusting(self._ca_file, alone=True)
            self._session, self._trusted = transport.session(context, Destinations()), trusted
        return self._session


def judge(answer: Answer, shown: str, detail: str = "") -> None:
    """Return when an answer says that something was taken. Raises RefusedError or LaterError.

    ``shown`` is who answers, ``detail`` what it says beside the status.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    said = f"{shown} answers with status {status}" + (f": {detail}" if detail else "")
    if 300 <= status < 400:
        raise LaterError(f"{said}; redirects are not followed")
    if status in _BUSY or status in _SETTINGS:
        raise LaterError(said, after=answer.after)
    if status >= 500 or status in _EITHER:
        raise LaterError(said, after=answer.after, own=True)
    raise RefusedError(said)


def secret_in(path: str) -> str:
    """Return the secret that a file holds now: what is mounted is replaced while we run.

    Raises LaterError; the message never has any of it.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SECRET + 1)
    except OSError as error:
        raise LaterError(f"{path}: {error.strerror}") from None
    secret = data.strip()
    if not secret or len(data) > MAX_SECRET or any(not 0x21 <= byte <= 0x7E for byte in secret):
        raise LaterError(f"{path}: holds no token")
    return secret.decode("ascii")


def _body(response: requests.Response) -> bytes:
    """Return the beginning of a body: its status has already said what counts."""
    data = bytearray()
    end = time.monotonic() + BODY
    with suppress(OSError, HTTPError):
        while len(data) <= MAX_BODY and time.monotonic() < end:
            chunk = response.raw.read1(MAX_BODY, decode_content=False)
            if not chunk:
                break
            data += chunk
    return bytes(data[:MAX_BODY])


def _identity(path: str) -> object:
    try:
        status = os.stat(path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    return status.st_ino, status.st_mtime_ns, status.st_size
