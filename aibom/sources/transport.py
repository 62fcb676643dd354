"""HTTP that is guarded: who is connected to is checked, and how long an answer may take."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import IncompleteRead, ReadTimeoutError
from urllib3.util.connection import create_connection

from aibom.sources.errors import SourceError

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

#: Seconds for a connection, and for each wait for the next bytes.
CONNECT, READ = 10.0, 30.0
#: Seconds until an answer's headers must be there, however they trickle in.
ANSWER = 60.0


class Guard(Protocol):
    """Who says which addresses are fit to connect to."""

    def check(self, address: str, host: str) -> None:
        """Raise SourceError when an address of ``host`` is none to connect to."""

    def settle(self, address: str) -> None:
        """Learn that a connection to an address stands."""


class _Timed:
    """A connection whose answers begin in time, however they trickle in."""

    sock: socket.socket | None

    def getresponse(self) -> "BaseHTTPResponse":
        with _at_most(ANSWER, self.sock):
            return super().getresponse()  # type: ignore[misc,no-any-return]


class _Guarded(_Timed):
    """A connection that is given up when it leads to a place where it must not."""

    guard: ClassVar[Guard]
    host: str
    port: int
    timeout: float
    socket_options: Any

    def _new_conn(self) -> socket.socket:
        """Connect to an address that was looked at: a name can mean another one a moment later."""
        trouble: OSError = OSError(f"no address of {self.host}")
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except UnicodeError:  # a part of more than 63 characters, which IDNA does not have
            raise trouble from None
        for address in dict.fromkeys(str(entry[4][0]) for entry in found):
            self.guard.check(address, self.host)
            try:
                connected = create_connection(
                    (address, self.port), self.timeout, socket_options=self.socket_options
                )
            except OSError as error:
                trouble = error
            else:
                self.guard.settle(address)
                return connected
        raise trouble


@contextmanager
def _at_most(seconds: float, connected: socket.socket | None) -> Iterator[None]:
    """Shut a socket down when the block takes longer: a timeout begins anew with each byte.

    Raises TimeoutError then, as headers that just end are taken for complete ones.
    """
    late = threading.Event()

    def shut_down() -> None:
        late.set()
        if connected is not None:
            with suppress(OSError):
                # not SSLSocket's own method, which takes the encryption from under a reader
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


class GuardedAdapter(HTTPAdapter):
    """An adapter whose direct connections are guarded; a proxy knows by itself where it may go."""

    def __init__(self, guard: Guard, context: ssl.SSLContext) -> None:
        """Guard by ``guard`` and trust as ``context`` does."""
        self._guard, self._context = guard, context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(_Guarded, guard=self._guard)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make the pools of connections through a proxy."""
        made = super().proxy_manager_for(proxy, ssl_context=self._context, **options)
        made.pool_classes_by_scheme = _pools(_Timed)
        return made


def _pools(kind: type, **members: Any) -> dict[str, Any]:
    http = type("_Http", (kind, HTTPConnection), members)
    https = type("_Https", (kind, HTTPSConnection), members)
    return {
        "http": type("_HttpPool", (HTTPConnectionPool,), {"ConnectionCls": http}),
        "https": type("_HttpsPool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
    }


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow nothing: requests would read the whole body before, and follow any URL."""


def trusting(ca: str, *, alone: bool = False) -> ssl.SSLContext:
    """Return what is trusted: the machine's authorities, and those in the file ``ca``, if any.

    With ``alone`` those of the file are the only ones. Raises SourceError.
    """
    context = ssl.create_default_context() if not (ca and alone) else _trusting_nobody()
    if ca:
        try:
            context.load_verify_locations(cafile=ca)
        except ssl.SSLError:
            raise SourceError(f"{ca}: no PEM certificates") from None
        except OSError as error:
            raise SourceError(f"{ca}: {error.strerror}") from None
    return context


def _trusting_nobody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificates and names
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def session(context: ssl.SSLContext, guard: Guard) -> requests.Session:
    """Return a session without cookies, logins or redirects of its own.

    It trusts as ``context`` does, and connects where ``guard`` lets it.
    """
    made = _Session()
    made.trust_env = False  # no ~/.netrc, which would add logins of its own
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = GuardedAdapter(guard, context)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def why(error: BaseException) -> str:
    """Return the innermost cause of a failed request in a few words, without the URL."""
    seen: set[int] = set()
    cause: BaseException | None = error
    said = "no answer that could be understood"
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            said = f"TLS failed ({cause.reason or 'no reason given'})"
        elif isinstance(cause, IncompleteRead):
            said = "the answer ended too early"
        elif isinstance(cause, TimeoutError | requests.Timeout | ReadTimeoutError):
            said = "it did not answer in time"
        elif isinstance(cause, OSError) and cause.strerror:
            said = cause.strerror
        cause = _inner(cause)
    return said


def _inner(error: BaseException) -> BaseException | None:
    inside = [error.__cause__, getattr(error, "reason", None), *error.args, error.__context__]
    return next((i for i in inside if isinstance(i, BaseException)), None)
