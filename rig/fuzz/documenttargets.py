"""What documents, images and model folders say."""

from dataclasses import replace
from functools import cache, partial
from io import BytesIO

from aibom.cli.schemas import POLICY, schema_text
from aibom.declare import recognise
from aibom.formats import jsontext, tomltext, yamltext
from aibom.formats.containers import (
    bundle,
    challenge,
    dockersave,
    imageconfig,
    logins,
    modelartifacts,
    oci,
    reference,
    tar,
)
from aibom.formats.documents import (
    attestation,
    baseline,
    bomjson,
    bomxml,
    jsondoc,
    keylines,
    policy,
    tagvalue,
)
from aibom.formats.modelfolder import (
    adapter,
    card,
    config,
    hiddentext,
    index,
    jinjacheck,
    licences,
    pipeline,
    templates,
    tokenizers,
)
from aibom.formats.net import urls
from aibom.formats.packages import (
    jslocks,
    markers,
    purl,
    purlpatterns,
    pylocks,
    requirements,
    versions,
)
from aibom.formats.source import FormatError
from aibom.rulebook.load import load
from aibom.types.rules import RuleSet
from rig.fuzz.target import Target, of_bytes, of_text


@cache
def _rules() -> RuleSet:
    return load()


@cache
def _policy_schema() -> str:
    return schema_text(POLICY)


def _tar(data: bytes) -> None:
    for _, content in tar.entries(BytesIO(data)):
        while content.read(1 << 16):
            pass


def _texts(said: str) -> None:
    document = tomltext.load(said)
    pylocks.toml_lock(document, said)


def _template(said: str) -> None:
    templates.examine("default", said)


def _versions(said: str) -> None:
    for ecosystem in ("npm", "pypi", "golang"):
        versions.is_range(ecosystem, said)
        versions.same(ecosystem, said, "1.0")
        versions.allows(ecosystem, said, "1.0")


def _tokenizer(data: bytes) -> None:
    for name in ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.txt"):
        tokenizers.parse(name, data)


TARGETS = (
    Target(
        "document",
        lambda data: recognise.document(data, "given", _rules),
        (recognise.document, attestation.read, bomjson.checked),
        (FormatError,),
    ),
    of_bytes("cyclonedx-json", bomjson.load, allowed=(FormatError,)),
    of_bytes("cyclonedx-xml", bomxml.load, allowed=(FormatError,)),
    of_bytes("spdx-tag-value", tagvalue.load, allowed=(FormatError,)),
    of_bytes("json-document", jsondoc.load, jsondoc.head, jsondoc.decoded, allowed=(FormatError,)),
    of_bytes("baseline", baseline.fingerprints, allowed=(FormatError,)),
    Target(
        "policy",
        lambda data: policy.read(data, "policy.yaml", _policy_schema()),
        (policy.read,),
        (FormatError,),
        seeds=(b"version: 1\nallow:\n  - package: pkg:pypi/*\n    reason: ours\n",),
    ),
    of_bytes("json", jsontext.load_object, jsontext.load_objects),
    # four readings, each by PyYAML, which takes two seconds for a megabyte of brackets
    replace(
        of_bytes(
            "yaml",
            yamltext.load,
            yamltext.load_texts,
            yamltext.load_lines,
            yamltext.places,
            allowed=(yamltext.YAMLError,),
        ),
        slowness=6,
    ),
    of_text("toml", _texts, tomltext.load, allowed=(ValueError, RecursionError)),
    of_text("json-lines", partial(keylines.key_lines, depth=4), tagvalue.is_tag_value),
    of_text(
        "requirements",
        requirements.parse,
        requirements.requirement,
        requirements.logical_lines,
        allowed=(FormatError,),
    ),
    of_text("yarn-lock", jslocks.yarn_lock, allowed=(FormatError,)),
    of_text(
        "package-urls",
        purl.comparable,
        purl.normalised,
        purl.parts,
        markers.can_hold,
        purl.of_image,
        purlpatterns.fields,
        _versions,
        urls.host_of,
        allowed=(FormatError,),  # purlpatterns.fields
        seeds=("pkg:npm/%40a/b@1.0?x=y#z", ">=1,<2", "https://user:secret@host:1/x"),
    ),
    of_text("licences", licences.spdx, licences.expression, seeds=("MIT OR Apache-2.0",)),
    of_text("chat-template", jinjacheck.examine_text, hiddentext.hidden),
    of_text("chat-template-file", _template),
    of_bytes(
        "model-folder",
        config.parse_config,
        adapter.parse_adapter,
        card.parse_card,
        card.parse_merge,
        index.parse_index,
        pipeline.parse_pipeline,
        pipeline.parse_modules,
        templates.from_tokenizer_config,
        seeds=(b"---\nlicense: mit\nbase_model: a/b\n---\n# x",),
    ),
    Target(
        "tokenizer",
        _tokenizer,
        (tokenizers.parse,),
        encode=lambda arguments: arguments.get("data"),
    ),
    of_bytes("image-index", partial(oci.parse_index, announced=""), allowed=(FormatError,)),
    of_bytes(
        "image-manifest",
        partial(oci.parse_manifest, announced=""),
        oci.media_type,
        imageconfig.parse,
        dockersave.parse,
        modelartifacts.details,
        allowed=(FormatError,),
    ),
    Target("layer", _tar, (tar.entries,), (FormatError,)),
    of_bytes("registry-logins", logins.parse, logins.answer, allowed=(FormatError,)),
    of_text("registry-challenge", challenge.parse, seeds=('Bearer realm="https://a/b",scope=x',)),
    of_text(
        "image-reference",
        reference.parse,
        reference.split,
        oci.platform,
        oci.is_digest,
        allowed=(FormatError,),
        seeds=("docker.io/library/a:1@sha256:" + "0" * 64, "linux/arm64/v8"),
    ),
    Target(
        "bundle",
        lambda data: bundle.parse("c1", data),
        (bundle.parse,),
        encode=lambda arguments: arguments.get("data"),
    ),
)
