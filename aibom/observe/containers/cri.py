"""The container runtime's own list of pods and containers, asked for over its CRI socket.

Only the two calls that list are made. The socket is opened only where a user names it: whoever
holds it owns the node.
"""

from aibom.formats.containers import cri
from aibom.formats.source import FormatError
from aibom.types.processes import Container

#: Seconds to wait for an answer; a runtime that is slower is as good as gone for one sweep.
TIMEOUT = 10.0
_MAX_ANSWER = 64 << 20
_SERVICE = "/runtime.v1.RuntimeService/"


def list_containers(socket: str) -> dict[str, Container]:
    """Return what the runtime behind ``socket`` (a path) says of its containers, by id.

    Raises OSError with what went wrong: no socket, no answer in time, or an answer that is none.
    """
    import grpc  # noqa: PLC0415 - it costs 29 MB, and most sweeps do without it

    options = [
        # containerd refuses a path as the name of a host
        ("grpc.default_authority", "localhost"),
        ("grpc.max_receive_message_length", _MAX_ANSWER),
    ]
    try:
        with grpc.insecure_channel(f"unix:{socket}", options=options) as channel:
            containers, sandboxes = (
                channel.unary_unary(_SERVICE + name)(b"", timeout=TIMEOUT)
                for name in ("ListContainers", "ListPodSandbox")
            )
        return cri.parse(containers, sandboxes)
    except grpc.RpcError as error:
        raise OSError(f"{socket}: {error.details()}") from None
    except FormatError as error:
        raise OSError(f"{socket}: not an answer of CRI runtime.v1 ({error})") from None
