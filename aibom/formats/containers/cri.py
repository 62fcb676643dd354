"""Answers of Kubernetes' Container Runtime Interface (CRI, runtime.v1, api.proto), by field number.

ListPodSandboxResponse: 1 items (1 id, 2 metadata, 5 labels). PodSandboxMetadata: 1 name, 2 uid,
3 namespace. ListContainersResponse: 1 containers (1 id, 2 pod_sandbox_id, 3 metadata, 4 image,
5 image_ref, 8 labels). ImageSpec: 1 image, 18 user_specified_image. Map entries: 1 key, 2 value.
"""

from aibom.formats.protobuf import fields
from aibom.formats.text import printable
from aibom.types.processes import Container

_Message = dict[int, list[int | bytes]]


def parse(containers: bytes, sandboxes: bytes) -> dict[str, Container]:
    """Return the containers of the two lists by id, pods' own sandboxes included.

    ``containers`` is a ListContainersResponse, ``sandboxes`` a ListPodSandboxResponse. Raises
    FormatError when the bytes are no such messages.
    """
    pods = {_text(pod, 1): pod for pod in _messages(_message(sandboxes), 1)}
    found = {identifier: _container(None, identifier, pod) for identifier, pod in pods.items()}
    for container in _messages(_message(containers), 1):
        identifier = _text(container, 1)
        pod = pods.get(_text(container, 2), {})
        found[identifier] = _container(container, identifier, pod)
    return found


def _container(container: _Message | None, identifier: str, pod: _Message) -> Container:
    own = container or {}
    metadata = _inner(pod, 2)
    image = _inner(own, 4)
    labels = {_text(entry, 1): _text(entry, 2) for entry in _messages(pod, 5)}
    return Container(
        id=identifier,
        source="cri",
        name=_text(_inner(own, 3), 1),
        pod_name=_text(metadata, 1),
        pod_namespace=_text(metadata, 3),
        pod_uid=_text(metadata, 2),
        image=_text(image, 18) or _text(image, 1),
        image_digest=_text(own, 5),
        labels=tuple(sorted(labels.items())),
        sandbox=container is None,
    )


def _message(data: bytes) -> _Message:
    found: _Message = {}
    for number, _, value in fields(data):
        found.setdefault(number, []).append(value)
    return found


def _messages(parent: _Message, number: int) -> list[_Message]:
    return [_message(value) for value in parent.get(number, []) if isinstance(value, bytes)]


def _inner(parent: _Message, number: int) -> _Message:
    inner = _messages(parent, number)
    return inner[-1] if inner else {}


def _text(parent: _Message, number: int) -> str:
    values = parent.get(number, [b""])
    value = values[-1]
    return printable(value.decode("utf-8", "replace")) if isinstance(value, bytes) else ""
