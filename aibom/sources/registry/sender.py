"""Requests on their way: redirects, repetition, proxies, and where none may go."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from aibom import __version__
from aibom.formats.text import printable
from aibom.sources import transport
from aibom.sources.errors import SourceError
from aibom.sources.registry.body import host_of
from aibom.sources.registry.neighbourhood import Neighbourhood

#: Redirects that are followed, and repetitions of a question that met with an overload.
MAX_REDIRECTS, MAX_RETRIES = 5, 2

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OVERLOADED = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Options:
    """What the user allows.

    ``ca`` is a file of certificates to trust beside the machine's, ``insecure`` are registries
    (``host`` or ``host:port``, as in the image's name) that are asked without TLS.
    """

    ca: str = ""
    insecure: frozenset[str] = frozenset()


class Sender:
    """Sends what is asked of one registry, and of those that it sends us to."""

    def __init__(self, registry: str, options: Options, pause: Callable[[float], None]) -> None:
        """Ask nothing yet. Raises SourceError when the file of certificates cannot be used."""
        self._registry, self._options, self._pause = registry, options, pause
        self._session = transport.session(transport.trusting(options.ca), Neighbourhood())

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        form: dict[str, str] | None = None,
        authorization: str = "",
    ) -> requests.Response:
        """Send a question, again where it must be, and follow where it is redirected to.

        ``authorization`` goes to the host of ``url`` alone. Raises SourceError.
        """
        first = origin(url)
        for _ in range(MAX_REDIRECTS + 1):
            own = origin(url) == first
            sent = headers | ({"Authorization": authorization} if own and authorization else {})
            response = self._patiently(method, url, sent, form)
            if response.status_code not in _REDIRECTS:
                return response
            response.close()
            url = self.check(joined(url, response.headers.get("Location", "")))
            if form:
                raise SourceError(f"{host_of(response)}: redirects a login")
        raise SourceError(f"{host_of(response)}: redirects in circles")

    def _patiently(
        self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None
    ) -> requests.Response:
        end = time.monotonic() + transport.ANSWER
        for attempt in range(MAX_RETRIES + 1):
            last = attempt == MAX_RETRIES or time.monotonic() > end
            wait = 0.5 * 4**attempt
            try:
                response = self._once(method, url, headers, form)
                if response.status_code not in _OVERLOADED or last:
                    return response
                response.close()
                wait = _retry_after(response, wait)
            except (requests.RequestException, HTTPError, OSError) as error:
                if last or isinstance(error, requests.exceptions.SSLError | ValueError):
                    host = urlsplit(url).hostname or "?"
                    raise SourceError(f"{host}: {transport.why(error)}") from None
            self._pause(wait)
        raise AssertionError("the last attempt returns or raises")

    def _once(
        self, method: str, url: str, headers: dict[str, str], form: dict[str, str] | None
    ) -> requests.Response:
        agent = f"aibom/{__version__}"
        return self._session.request(
            method,
            url,
            data=form,
            headers={"User-Agent": agent, "Accept-Encoding": "identity", **headers},
            timeout=(transport.CONNECT, transport.READ),
            allow_redirects=False,
            stream=True,
            proxies=get_environ_proxies(url),
        )

    def check(self, url: str) -> str:
        """Return a URL that a registry sends us to, or refuse it, as far as it tells."""
        try:
            parts, host = urlsplit(url), urlsplit(url).hostname
        except ValueError:
            raise SourceError(f"{self._registry}: sends us to no URL") from None
        plain = parts.scheme == "http" and parts.netloc in self._options.insecure
        if (plain or parts.scheme == "https") and host and "@" not in parts.netloc:
            return url
        shown = printable(host or "no host", 200)
        raise SourceError(f"{self._registry}: sends us to {shown}, and not by https")


def _retry_after(response: requests.Response, otherwise: float) -> float:
    """Return for how long to wait, in seconds, never longer than we have patience."""
    said = response.headers.get("Retry-After", "")
    return min(float(said), _LONGEST_PAUSE) if re.fullmatch(r"\d{1,9}", said) else otherwise


def joined(url: str, location: str) -> str:
    """Return where a location leads from a URL. Raises SourceError when it is none."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise SourceError(f"{urlsplit(url).hostname}: sends us to no URL") from None


def origin(url: str) -> tuple[str, str]:
    """Return scheme and host of a URL: who is told a login."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
