"""What a model hub says of a repository, asked through huggingface_hub; nothing is downloaded.

The endpoint is HF_ENDPOINT's, the token the one that huggingface_hub finds; it is sent to that
endpoint and nowhere else. See huggingface.co/docs/huggingface_hub, "Environment variables".
"""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, constants, set_client_factory
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from aibom.formats.hubs.paths import SHA1_DIGITS, SHA256_DIGITS, is_hex
from aibom.formats.hubs.reference import HubReference, HubRepository
from aibom.formats.text import printable
from aibom.sources.errors import SourceError

#: Seconds that one answer may take in all, and between two pieces of it.
PATIENCE = 60.0
READ_TIMEOUT = 15.0
#: Largest answer in bytes, and most files of a repository that are kept.
MAX_ANSWER = 32 << 20
MAX_FILES = 50_000
_BASE = "base_model:"


class _Bounded(httpx2.SyncByteStream):
    """An answer's body that ends with an error where it is too large or takes too long."""

    def __init__(self, stream: httpx2.SyncByteStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        left = MAX_ANSWER
        for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise SourceError(f"the hub answers with more than {MAX_ANSWER} bytes")
            if time.monotonic() > self._deadline:
                raise SourceError(f"the hub took more than {PATIENCE:.0f} s to answer")
            yield piece

    def close(self) -> None:
        """Close the connection's side of it."""
        self._stream.close()


def repository(reference: HubReference) -> HubRepository:
    """Return what the hub says of a repository. Raises SourceError with one line for people."""
    shown = f"{reference.repository}@{reference.revision}".rstrip("@")
    try:
        set_client_factory(_client)
        return _kept(reference, _ask(reference))
    except GatedRepoError:
        raise SourceError(f"{shown} is gated: the hub wants a token that may read it") from None
    except RepositoryNotFoundError:
        raise SourceError(f"{shown} is not on {constants.ENDPOINT}, or is private") from None
    except RevisionNotFoundError:
        raise SourceError(f"{shown}: the hub knows no such revision") from None
    except OfflineModeIsEnabled:
        raise SourceError("HF_HUB_OFFLINE is set: the hub was not asked") from None
    except HFValidationError:
        raise SourceError(f"{shown} is no name of a repository") from None
    except HfHubHTTPError as error:
        code = error.response.status_code if error.response is not None else "no answer"
        raise SourceError(f"{constants.ENDPOINT} answers with {code} for {shown}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        reason = printable(" ".join(str(error).split()) or type(error).__name__, 200)
        raise SourceError(f"{constants.ENDPOINT} cannot be asked: {reason}") from None
    # what huggingface_hub makes of an answer that is none: no JSON, no object, other members
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise SourceError(f"{constants.ENDPOINT} gives no answer of a hub for {shown}") from None


def _client() -> httpx2.Client:
    def leave(request: httpx2.Request) -> None:
        if _origin(str(request.url)) != _origin(constants.ENDPOINT):
            host = printable(request.url.host, 100)
            raise SourceError(f"the hub sends elsewhere, to {host}; only HF_ENDPOINT is asked")
        if constants.HF_HUB_OFFLINE:
            raise OfflineModeIsEnabled
        # an answer that unpacks itself has no bound
        request.headers["Accept-Encoding"] = "identity"

    def bound(response: httpx2.Response) -> None:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise SourceError("the hub answers compressed, which it was asked not to")
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, time.monotonic() + PATIENCE)

    return httpx2.Client(
        event_hooks={"request": [leave], "response": [bound]},
        follow_redirects=True,
        max_redirects=3,
        timeout=READ_TIMEOUT,
    )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _ask(reference: HubReference) -> Any:
    api = HfApi(endpoint=constants.ENDPOINT, library_name="aibom")
    revision = reference.revision or None
    if reference.kind == "model":
        return api.model_info(
            reference.repository,
            revision=revision,
            timeout=READ_TIMEOUT,
            securityStatus=True,
            files_metadata=True,
        )
    return api.repo_info(
        reference.repository,
        repo_type=reference.kind,
        revision=revision,
        timeout=READ_TIMEOUT,
        files_metadata=True,
    )


def _kept(reference: HubReference, info: Any) -> HubRepository:
    """Return the parts of an answer that aibom uses; nothing in it needs be of the right type."""
    commit = _text(info.sha).lower()
    if not is_hex(commit, SHA1_DIGITS):
        raise SourceError(f"the hub names no commit of {reference.repository}")
    if reference.commit and commit != reference.commit:
        raise SourceError(f"the hub answers for another commit than {reference.commit}")
    files = list(info.siblings or ())[:MAX_FILES]
    large = [(_text(f.rfilename), _text(getattr(f.lfs, "sha256", "")).lower()) for f in files]
    sha256 = sorted((name, digest) for name, digest in large if is_hex(digest, SHA256_DIGITS))
    tags = [t for t in info.tags or () if isinstance(t, str)][:1_000]
    card = info.card_data
    status = getattr(info, "security_repo_status", None)
    status = status if isinstance(status, dict) else {}
    return HubRepository(
        reference,
        commit,
        tuple(sha256),
        others=len(files) - len(sha256),
        licence=_text(getattr(card, "license", "")) or _tagged(tags, "license:"),
        base_models=_bases(card, tags),
        adapter=any(tag.startswith(f"{_BASE}adapter:") for tag in tags),
        access=_access(info),
        scanned=status.get("scansDone") is True,
        unsafe=_unsafe(status),
    )


def _text(value: object) -> str:
    return printable(value, 500) if isinstance(value, str) else ""


def _tagged(tags: list[str], start: str) -> str:
    return next((_text(tag[len(start) :]) for tag in tags if tag.startswith(start)), "")


def _bases(card: Any, tags: list[str]) -> tuple[str, ...]:
    said = getattr(card, "base_model", None)
    named = said if isinstance(said, list) else [said]
    # the hub makes base_model:ORG/NAME of the card, and base_model:RELATION:ORG/NAME
    named += [t.removeprefix(_BASE) for t in tags if t.startswith(_BASE) and t.count(":") == 1]
    return tuple(sorted({text for name in named[:100] if (text := _text(name))}))


def _access(info: Any) -> str:
    if getattr(info, "private", False) is True:
        return "private"
    return "gated" if getattr(info, "gated", False) else ""


def _unsafe(status: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the files that scans of the hub complain of (huggingface.co/docs/hub/security)."""
    listed = status.get("filesWithIssues")
    found = [f for f in listed if isinstance(f, dict)] if isinstance(listed, list) else []
    return tuple(sorted({(_text(f.get("path")), _text(f.get("level"))) for f in found[:1_000]}))
