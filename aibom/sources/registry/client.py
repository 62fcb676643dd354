"""Questions to one registry: who asks, and what its answers mean."""

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Self

import requests

from aibom.formats.containers.reference import DOCKER_HUB, Reference
from aibom.sources.errors import MissingError, SourceError
from aibom.sources.registry import credentials, tokens
from aibom.sources.registry.body import host_of, stream
from aibom.sources.registry.sender import Options, Sender, joined, origin

#: Largest answer of a token server, in bytes.
MAX_TOKEN = 1 << 20

_HUB_HOST = "registry-1.docker.io"  # distribution/reference calls it docker.io, its API lives here
_CODE = re.compile(rb'"code"\s*:\s*"([A-Z_]{1,40})"')


class Client:
    """One registry, asked for one repository."""

    def __init__(
        self,
        image: Reference,
        options: Options,
        environment: Mapping[str, str] = os.environ,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Ask nothing yet. Raises SourceError when the file of certificates cannot be used."""
        self._image = image
        self._environment = environment
        self._sender = Sender(image.registry, options, pause)
        self._authorization = ""
        host = _HUB_HOST if image.registry == DOCKER_HUB else image.registry
        scheme = "http" if image.registry in options.insecure else "https"
        self._base = f"{scheme}://{host}/v2/{image.repository}/"

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._sender.close()

    def get(self, path: str, accept: str = "*/*") -> requests.Response:
        """Return the answer to a GET of a path in the repository, its body still to be read.

        Raises MissingError where there is no such thing, else SourceError.
        """
        url = joined(self._base, path)
        if not url.startswith(self._base):
            raise SourceError(f"{self._image.registry}: points out of its own repository")
        headers = {"Accept": accept}
        response = self._sender.send("GET", url, headers, authorization=self._authorization)
        own = origin(response.url) == origin(self._base)
        if response.status_code == 401 and own:
            # nobody that it redirected to is told a login, or has it told to somebody else;
            # one new token or password per question: a registry that wants more goes in circles
            self._authorization = self._authorized(response)
            response = self._sender.send("GET", url, headers, authorization=self._authorization)
        return self._good(response)

    def body(self, response: requests.Response, limit: int) -> bytes:
        """Return the whole body of an answer of at most ``limit`` bytes. Raises SourceError."""
        with stream(response, limit) as body:
            data = bytearray()
            while chunk := body.read(1 << 16):
                data += chunk
                if len(data) > limit:
                    raise SourceError(f"{host_of(response)}: an answer of more than {limit} bytes")
        return bytes(data)

    def _authorized(self, response: requests.Response) -> str:
        header = response.headers.get("WWW-Authenticate", "")
        response.close()
        login = credentials.find(self._image, self._environment)
        return tokens.answer(header, self._image, login, self._ask_for_token)

    def _ask_for_token(self, url: str, form: dict[str, str], authorization: str) -> bytes:
        self._sender.check(url)
        response = self._sender.send(
            "POST" if form else "GET", url, {}, form=form, authorization=authorization
        )
        return self.body(self._good(response), MAX_TOKEN)

    def _good(self, response: requests.Response) -> requests.Response:
        status, host = response.status_code, host_of(response)
        if status == 200:
            return response
        if status == 404:
            response.close()
            raise MissingError(f"{host}: not there (404)")
        code = self._code_in(response)
        if status in (401, 403):
            hint = f"; is 'docker login {self._image.registry}' up to date?"
            raise SourceError(f"{host}: does not let us read {self._image.repository}{code}{hint}")
        raise SourceError(f"{host}: answers with status {status}{code}")

    def _code_in(self, response: requests.Response) -> str:
        """Return the code of an error (OCI distribution specification, "Error Codes")."""
        try:
            match = _CODE.search(self.body(response, 1 << 16))
        except SourceError:
            return ""
        return f" ({match[1].decode()})" if match else ""
