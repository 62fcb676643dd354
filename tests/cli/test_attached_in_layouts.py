"""An image in a layout or an archive, with what BuildKit and cosign put beside it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aibom.cli.main import main
from aibom.formats.containers import oci
from tests.imagemaking import Store, layer
from tests.sources.images import CYCLONEDX, DSSE, IN_TOTO, bom, dump, envelope, statement


def attestation_manifest(store: Store, described: dict[str, object]) -> dict[str, object]:
    return {"schemaVersion": 2, "config": store.add(b"{}", oci.CONFIG), "layers": [described]}


def by_buildkit(store: Store, of: str) -> None:
    attested = store.add(dump(statement(bom("numpy"), of)), IN_TOTO)
    attested["annotations"] = {"in-toto.io/predicate-type": CYCLONEDX}
    listed = store.entry(attestation_manifest(store, attested))
    listed["platform"] = {"os": "unknown", "architecture": "unknown"}
    listed["annotations"] = {
        "vnd.docker.reference.type": "attestation-manifest",
        oci.REFERENCE_DIGEST: of,
    }
    # BuildKit's layout has one index in its index, with the image and what is attested of it
    inner = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": list(store.index)}
    store.index[:] = [store.add_json(inner, oci.INDEX)]


def by_cosign(store: Store, of: str) -> None:
    attested = store.add(dump(envelope(statement(bom("numpy"), of))), DSSE)
    store.entry(attestation_manifest(store, attested), of.replace(":", "-") + ".att")


def unkept(store: Store, of: str) -> None:
    """As in a content store after a pull: what is attested is listed, and not there."""
    by_buildkit(store, of)
    for digest, data in list(store.blobs.items()):
        if b"in-toto" in data and b"layers" in data:
            del store.blobs[digest]


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize(
    ("attach", "declared", "note"),
    [
        (by_buildkit, "true", "its signature was not checked"),
        (by_cosign, "true", "its signature was not checked"),
        (unkept, "false", "it is listed, and not there"),
    ],
)
def test_what_is_attached(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    attach: Callable[[Store, str], None],
    declared: str,
    note: str,
    archive: bool,
) -> None:
    store = Store()
    image = store.image([layer({"etc/os-release": b"ID=debian\n"})], name="1.0")
    attach(store, image["digest"])
    place = tmp_path / "image.tar"
    if archive:
        place.write_bytes(store.archive())
    else:
        store.write(place)
    observed = tmp_path / "observed.json"
    observed.write_bytes(dump(bom("numpy")))
    name = str(place) if attach is not by_cosign else f"{place}:1.0"
    options = ["--platform", "linux/amd64", "--format", "json", "--fail-on", "critical"]
    assert main(["diff", name, str(observed), *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [verdict["declared"] for verdict in report["verdicts"]] == [declared]
    assert note in json.dumps(report)
