"""The calls of Kubernetes' Container Runtime Interface (runtime.v1) that a kubelet lives on.

Requests and answers are plain field numbers (see wire.py), as api.proto of CRI gives them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from rig.errors import RigError
from rig.wire import Fields, Message, decode, encode, messages, number_in, strings, text

_OPTIONS = (
    ("grpc.default_authority", "localhost"),  # containerd refuses the socket's path as a host
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A pod's sandbox as the runtime lists it."""

    id: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Output:
    """What a command in a container wrote, and its exit code."""

    stdout: bytes
    stderr: bytes
    code: int


class Runtime:
    """A connection to a runtime's socket. Calls raise RigError with what the runtime said."""

    def __init__(self, socket: Path) -> None:
        """Connect to ``socket`` when the first call is made."""
        self._channel = grpc.insecure_channel(f"unix:{socket}", options=_OPTIONS)

    def close(self) -> None:
        """Drop the connection."""
        self._channel.close()

    def version(self, timeout: float) -> str:
        """Return name and version of the runtime; waits for it up to ``timeout`` seconds."""
        answer = self._call("Version", {}, timeout=timeout, wait=True)
        return f"{text(answer, 2)} {text(answer, 3)}"

    def run_pod_sandbox(self, config: Message) -> str:
        """Start a pod's sandbox and return its id."""
        return text(self._call("RunPodSandbox", {1: config}), 1)

    def list_pod_sandboxes(self) -> list[Sandbox]:
        """Return every sandbox, running or not."""
        answer = self._call("ListPodSandbox", {})
        return [Sandbox(text(item, 1), strings(item, 5)) for item in messages(answer, 1)]

    def stop_pod_sandbox(self, sandbox: str) -> None:
        """End every process of a pod."""
        self._call("StopPodSandbox", {1: sandbox})

    def remove_pod_sandbox(self, sandbox: str) -> None:
        """Forget a pod and its containers; it need not be stopped."""
        self._call("RemovePodSandbox", {1: sandbox})

    def create_container(self, sandbox: str, config: Message, sandbox_config: Message) -> str:
        """Make a container in a sandbox and return its id."""
        request: Message = {1: sandbox, 2: config, 3: sandbox_config}
        return text(self._call("CreateContainer", request), 1)

    def start_container(self, container: str) -> None:
        """Start a container that was created."""
        self._call("StartContainer", {1: container})

    def container_info(self, container: str) -> dict[str, Any]:
        """Return what the runtime knows of a container beyond CRI: pid, runtimeSpec and more."""
        answer = self._call("ContainerStatus", {1: container, 2: True})
        info: dict[str, Any] = json.loads(strings(answer, 2)["info"])
        return info

    def exec(self, container: str, argv: Sequence[str], timeout: int) -> Output:
        """Run a command in a container to its end, for at most ``timeout`` seconds."""
        request: Message = {1: container, 2: list(argv), 3: timeout}
        answer = self._call("ExecSync", request, timeout=timeout + 10)
        out, err = (_last_bytes(answer, number) for number in (1, 2))
        return Output(out, err, number_in(answer, 3))

    def has_image(self, name: str) -> bool:
        """Tell whether a pod can use the image ``name``."""
        return 1 in self._call("ImageStatus", {1: {1: name}}, service="ImageService")

    def _call(
        self,
        method: str,
        request: Message,
        *,
        service: str = "RuntimeService",
        timeout: float = 60,
        wait: bool = False,
    ) -> Fields:
        call = self._channel.unary_unary(f"/runtime.v1.{service}/{method}")
        try:
            return decode(call(encode(request), timeout=timeout, wait_for_ready=wait))
        except grpc.RpcError as error:
            raise RigError(
                f"CRI {method} failed: {error.details()} ({error.code().name})"
            ) from error


def _last_bytes(fields: Fields, number: int) -> bytes:
    value = fields.get(number, [b""])[-1]
    return value if isinstance(value, bytes) else b""
