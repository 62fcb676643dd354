"""What an agent answers when it is asked how it is. No answer tells of what a workload is."""

import gzip
import json
import re

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted

from aibom.agent.status import Status

#: Seconds without a round after which an agent counts as hung. A round takes far less than one;
#: a sweep of a full node or a disk that stalls may take some. Hashing is not part of a round.
HUNG_SECONDS = 60.0
#: The same before the first sweep is published, which looks at everything for the first time: on a
#: node that is overloaded an agent that is started anew each time would never come to its end.
FIRST_SECONDS = 600.0
#: What a sensible Accept header consists of (RFC 9110, section 12.5.1).
_ACCEPT = re.compile(r"[\w/;=,.+*\- \t\"]{0,500}", re.ASCII)

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

INDEX = "aibom agent\n\n/metrics  for Prometheus\n/healthz  is it alive\n/readyz   is it ready\n"


def round_age(status: Status, began: float, now: float) -> float:
    """Return the seconds since the loop went round, or since it ``began`` where it has not yet.

    All times are the monotonic clock's.
    """
    return max(0.0, now - max(status.round_at, began))


def illness(status: Status, began: float, now: float) -> tuple[str, ...]:
    """Return why the agent should be started anew; nothing while its loop goes round."""
    age = round_age(status, began, now)
    most = HUNG_SECONDS if status.ready else FIRST_SECONDS
    return (f"the loop has not gone round for {age:.0f} s",) if age > most else ()


def hindrance(status: Status, began: float, now: float) -> tuple[str, ...]:
    """Return why the agent is not ready, one line for each reason; nothing when it is.

    What a folder's error says may name a workload, so it is left to the log and the node summary.
    """
    reasons = list(illness(status, began, now))
    if not status.ready:
        reasons.append("the first sweep is not published yet")
    if not status.output_ok:
        reasons.append("the output folder cannot be written; the log says why")
    return tuple(reasons)


def said(problems: tuple[str, ...], accept: str) -> tuple[bytes, str]:
    """Return problems, or that there are none, as a body and its content type."""
    if JSON in accept:
        return json.dumps({"ok": not problems, "reasons": problems}).encode() + b"\n", JSON
    return "".join(f"{line}\n" for line in problems or ("ok",)).encode(), TEXT


def exposed(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """Return all metrics in the format that ``accept`` asks for, and its content type.

    A header that makes no sense gets the plain text format: a part of it would come back in ours.
    """
    try:
        encoder, content_type = choose_encoder(accept if _ACCEPT.fullmatch(accept) else "")
    except (TypeError, ValueError):  # a version that is no number
        encoder, content_type = choose_encoder("")
    return encoder(registry), content_type


def packed(body: bytes, accept_encoding: str) -> tuple[bytes, str]:
    """Return a body and its content encoding, which is empty for none."""
    if gzip_accepted(accept_encoding):
        return gzip.compress(body, compresslevel=1, mtime=0), "gzip"
    return body, ""
