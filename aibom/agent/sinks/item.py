"""One thing that waits for a sink, as bytes in a file and back."""

import hashlib
import json
import re
from dataclasses import dataclass

#: Longest first line of an item's file, in bytes.
MAX_HEAD = 8192

_PLAIN = re.compile(r"[\x21-\x7e]{1,200}")
_FIELDS = ("key", "kind", "title")


@dataclass(frozen=True, slots=True)
class Item:
    """What is sent to a sink.

    ``key`` is the same whenever it is sent again. ``kind`` is the sink's own word for what it is,
    ``subject`` what it is about: a newer item takes the place of one that waits with the same
    subject; empty where none does. ``title`` is the sink's own, for one name or the like.
    """

    key: str
    body: bytes
    kind: str = ""
    subject: str = ""
    title: str = ""


def key_for(text: str) -> str:
    """Return a key that fits into a header and a file's first line: the text, or its digest."""
    if _PLAIN.fullmatch(text):
        return text
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class TornError(ValueError):
    """A file that holds no whole item; the message says why."""


def written(item: Item) -> bytes:
    """Return an item as its file's content: a line of JSON, and the body as it is.

    Its subject is told by the file's name alone: a workload may be called by anything.
    """
    head = {
        "aibom-item": 1,
        "key": item.key,
        "kind": item.kind,
        "title": item.title,
        "sha256": hashlib.sha256(item.body).hexdigest(),
    }
    return json.dumps(head).encode() + b"\n" + item.body


def read(data: bytes) -> Item:
    """Return the item of a file's content. Raises TornError."""
    line, newline, body = data.partition(b"\n")
    if not newline or len(line) > MAX_HEAD:
        raise TornError("it has no head")
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        raise TornError("its head is no JSON") from None
    if not isinstance(head, dict) or head.get("aibom-item") != 1:
        raise TornError("its head is none of ours")
    fields = [value for name in _FIELDS if isinstance(value := head.get(name), str)]
    if len(fields) != len(_FIELDS):
        raise TornError("its head lacks a field")
    if head.get("sha256") != hashlib.sha256(body).hexdigest():
        raise TornError("its body is not the one that was written")
    key, kind, title = fields
    return Item(key, body, kind, title=title)
