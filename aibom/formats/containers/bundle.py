"""config.json of an OCI runtime bundle: who a container is, by its annotations."""

from typing import Any

from aibom.formats.jsontext import load_object, text_of
from aibom.types.processes import Container

# of containerd (its package pkg/cri/annotations)
_CONTAINERD = {
    "name": "io.kubernetes.cri.container-name",
    "pod_name": "io.kubernetes.cri.sandbox-name",
    "pod_namespace": "io.kubernetes.cri.sandbox-namespace",
    "pod_uid": "io.kubernetes.cri.sandbox-uid",
    "image": "io.kubernetes.cri.image-name",
}
_CONTAINERD_TYPE = "io.kubernetes.cri.container-type"
# CRI-O: pkg/annotations and kubelet's own labels, which CRI-O copies to annotations
_CRIO = {
    "name": "io.kubernetes.container.name",
    "pod_name": "io.kubernetes.pod.name",
    "pod_namespace": "io.kubernetes.pod.namespace",
    "pod_uid": "io.kubernetes.pod.uid",
    "image": "io.kubernetes.cri-o.ImageName",
}
_CRIO_TYPE = "io.kubernetes.cri-o.ContainerType"


def parse(container_id: str, data: bytes) -> Container | None:
    """Return what a bundle's config.json says of a container, or None when it is no such file."""
    document = load_object(data)
    if document is None or "ociVersion" not in document:
        return None
    annotations = document.get("annotations")
    notes: dict[str, Any] = annotations if isinstance(annotations, dict) else {}
    keys = _CONTAINERD if _CONTAINERD_TYPE in notes else _CRIO
    return Container(
        id=container_id,
        source="bundle",
        sandbox="sandbox" in (notes.get(_CONTAINERD_TYPE), notes.get(_CRIO_TYPE)),
        name=text_of(notes, keys["name"]),
        pod_name=text_of(notes, keys["pod_name"]),
        pod_namespace=text_of(notes, keys["pod_namespace"]),
        pod_uid=text_of(notes, keys["pod_uid"]),
        image=text_of(notes, keys["image"]),
    )
