"""Manifests of Kubernetes and Compose files to claims, by aibom's own rules."""

import json
import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.declare import recognise
from aibom.formats.source import FormatError
from aibom.rulebook.load import load
from aibom.types.declared import Claim, Document

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "ab" * 32
RULES = cache(load)


def read(text: str) -> Document:
    return recognise.document(text.encode(), "k8s.yaml", RULES)


def pod(container: str, kind: str = "Pod", spec: str = "") -> str:
    indented = "\n".join(f"    {line}" for line in container.strip().splitlines())
    return f"""\
apiVersion: v1
kind: {kind}
metadata: {{name: chat}}
spec:
{spec}
  containers:
  - name: one
{indented}
"""


def models(found: Document) -> list[tuple[str, str, str]]:
    kinds = ("model", "adapter")
    return [(c.component, c.name, c.version) for c in found.claims if c.component in kinds]


@pytest.mark.parametrize(
    ("container", "wanted"),
    [
        ("image: vllm/vllm-openai:v0.9\nargs: [--model, acme/a]", "acme/a"),
        ("image: docker.io/vllm/vllm-openai\nargs: [--model=acme/a]", "acme/a"),
        (f"image: vllm/vllm-openai@{DIGEST}\nargs: [acme/a]", ""),
        ("image: my/own\ncommand: [vllm, serve, acme/a]", "acme/a"),
        ("image: my/own\ncommand: [vllm]\nargs: [serve, acme/a]", "acme/a"),
        (
            (
                "image: my/own\n"
                "command: [python3, -m, vllm.entrypoints.openai.api_server, --model, acme/a]"
            ),
            "acme/a",
        ),
        ("image: my/own\ncommand: [python3, -m, http.server, --model, acme/a]", ""),
        ("image: my/own\ncommand: [/bin/sh, -c, 'cd /x && exec vllm serve acme/a']", "acme/a"),
        (
            "image: my/own\ncommand: [bash, -ec]\nargs: ['X=1 vllm serve \"acme/a\" \\\n --x']",
            "acme/a",
        ),
        (
            (
                "image: my/own\ncommand: [sh, -c, 'vllm serve $MODEL']\n"
                "env: [{name: MODEL, value: acme/a}]"
            ),
            "acme/a",
        ),
        ("image: my/own\ncommand: [sh, -c, 'vllm serve $MODEL']", ""),
        ("image: my/own\ncommand: [sh, -c, 'x --n=$(N);vllm serve acme/a']", "acme/a"),
        ("image: my/own\ncommand: [sh, -c, 'x || vllm serve ''acme/a''&']", "acme/a"),
        ("image: my/own\ncommand: [sh, -c, 'vllm serve \"acme/a']", ""),
        (
            "image: vllm/vllm-openai\nargs: [--model, $(M)]\nenv: [{name: M, value: acme/a}]",
            "acme/a",
        ),
        (
            "image: ghcr.io/huggingface/text-generation-inference:3\nargs: [--model-id, acme/a]",
            "acme/a",
        ),
        (
            (
                "image: ghcr.io/huggingface/text-generation-inference\n"
                "env: [{name: MODEL_ID, value: acme/a}]"
            ),
            "acme/a",
        ),
        ("image: shop/app\nenv: [{name: MODEL_ID, value: acme/a}]", ""),
        ("image: shop/app\nenv: [{name: HF_MODEL_ID, value: acme/a}]", "acme/a"),
        ("image: shop/app\nargs: [--model, openai/gpt-4o]", ""),
        (
            (
                "image: lmsysorg/sglang:latest\n"
                "command: [python3, -m, sglang.launch_server, --model-path, acme/a]"
            ),
            "acme/a",
        ),
        ("image: ghcr.io/ggml-org/llama.cpp:server\nargs: [-hf, 'acme/a:Q4_K_M']", "acme/a"),
        (
            "image: michaelf34/infinity\nenv: [{name: INFINITY_MODEL_ID, value: 'acme/a;acme/b;'}]",
            "acme/a acme/b",
        ),
    ],
)
def test_models_that_containers_are_told_to_serve(container: str, wanted: str) -> None:
    assert [name for _, name, _ in models(read(pod(container)))] == wanted.split()


def test_a_revision_and_adapters() -> None:
    arguments = ["--model", "acme/a", "--revision", COMMIT, "--lora-modules", "x=acme/x", "y=/y/y"]
    arguments.append('{"name": "z", "path": "acme/z", "base_model_name": "acme/a"}')
    found = read(pod(f"image: vllm/vllm-openai\nargs: {json.dumps(arguments)}"))
    assert models(found) == [
        ("model", "acme/a", COMMIT),
        ("adapter", "acme/x", ""),
        ("adapter", "acme/z", ""),
    ]
    claims = {c.name: c for c in found.claims}
    assert claims["acme/a"].purl == f"pkg:huggingface/acme/a@{COMMIT}"
    assert claims["acme/x"].base_models == ("acme/a",)
    assert claims["acme/x"].line == 9
    assert found.notes == (
        "line 9: Pod chat, container one: /y/y is a place in the container, not a model",
        "line 9: acme/x: no commit is named, so that any commit is meant; --online asks the hub",
        "line 9: acme/z: no commit is named, so that any commit is meant; --online asks the hub",
    )


def test_a_file_in_the_image_is_known_by_its_path() -> None:
    found = read(pod("image: ghcr.io/ggml-org/llama.cpp:server\nargs: [-m, /models/a.gguf]"))
    assert [c.paths for c in found.claims if c.component == "model"] == [{"/models/a.gguf"}]


def test_images() -> None:
    found = read(pod(f"image: registry.local:5000/shop/app:1.2@{DIGEST}"))
    image = found.claims[0]
    assert (image.component, image.version, image.line) == ("image", "1.2", 8)
    assert image.purl == f"pkg:oci/app@{DIGEST}"


def test_addresses_and_never_a_secret() -> None:
    found = read(
        pod(
            """
image: shop/app
env:
- {name: OPENAI_BASE_URL, value: "https://user:password1@LLM.example.org:8443/v1?key=abc"}
- {name: OPENAI_API_KEY, value: sk-aaaaaaaaaaaaaaaaaaaaaaaa}
- {name: OLLAMA_HOST, value: "ollama.shop.svc:11434"}
- {name: HF_ENDPOINT, value: "https://hub.example.org"}
- {name: DATABASE_URL, value: "https://db.example.org"}
- {name: ANTHROPIC_BASE_URL, valueFrom: {secretKeyRef: {name: a, key: b}}}
"""
        )
    )
    assert [(c.kind, *c.hosts, c.line) for c in found.claims[1:]] == [
        ("model-api", "llm.example.org", 10),
        ("model-api", "ollama.shop.svc", 12),
        ("source", "hub.example.org", 13),
    ]
    assert not re.search("password1|sk-a|abc", repr(found))


def test_mcp_servers_by_command_and_by_image() -> None:
    npx = read(pod("image: node:22\ncommand: [npx, -y, '@acme/mcp-files@1.2.3', /data]"))
    assert [(c.kind, c.purl) for c in npx.claims[1:]] == [
        ("mcp-server", "pkg:npm/%40acme/mcp-files@1.2.3")
    ]
    image = read(pod("image: mcp/time"))
    assert [(c.kind, c.name) for c in image.claims[1:]] == [("mcp-server", "mcp/time")]
    other = read(pod("image: node:22\ncommand: [npx, -y, cowsay@1.2.3, hi]"))
    assert len(other.claims) == 1


KSERVE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: llama}
spec:
  predictor:
    model:
      modelFormat: {name: huggingface}
      args: [--model_name=llama, --model_id=acme/a]
      storageUri: %s
"""


@pytest.mark.parametrize(
    ("uri", "purl"),
    [
        ("hf://acme/b", "pkg:huggingface/acme/b"),
        (f"hf://acme/b:{COMMIT}", f"pkg:huggingface/acme/b@{COMMIT}"),
        (f"oci://registry.local/acme/c@{DIGEST}", f"pkg:oci/c@{DIGEST}"),
        ("oci://registry.local/acme/c:v1", ""),
        ("s3://bucket/model", ""),
        ("pvc://claim/model", ""),
    ],
)
def test_storage_of_kserve(uri: str, purl: str) -> None:
    found = read(KSERVE % uri)
    by_line = {c.line: c for c in found.claims if c.component == "model"}
    assert by_line[8].purl == "pkg:huggingface/acme/a"
    assert by_line[9].purl == purl


def test_models_and_adapters_of_an_llm_inference_service() -> None:
    found = read(
        """\
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: lora}
spec:
  model:
    uri: hf://acme/base
    lora:
      adapters:
        - {name: sql, uri: hf://acme/sql}
"""
    )
    assert models(found) == [("model", "acme/base", ""), ("adapter", "acme/sql", "")]
    assert [c.line for c in found.claims] == [6, 9]


def test_a_volume_that_is_an_image() -> None:
    spec = f"  volumes:\n  - name: w\n    image: {{reference: 'r.local/m/tiny@{DIGEST}'}}"
    found = read(pod("image: a/b", spec=spec))
    assert (found.claims[0].purl, found.claims[0].line) == (f"pkg:oci/tiny@{DIGEST}", 7)


def test_pods_are_found_in_whatever_resource_has_them() -> None:
    wrapped = {"name": "c", "image": "vllm/vllm-openai", "args": ["--model", "acme/a"]}
    resource: Any = {"containers": [wrapped]}
    for key in ("spec", "template", "workerTemplate", "leaderWorkerTemplate", "spec"):
        resource = {key: resource}
    listed = {"apiVersion": "v1", "kind": "List", "items": []}
    listed["items"] = [{"apiVersion": "x/v1", "kind": "LeaderWorkerSet"} | resource]
    found = read(json.dumps(listed))
    assert models(found) == [("model", "acme/a", "")]
    assert found.form == "Kubernetes, 1 resources"


def test_the_schema_of_a_resource_is_none() -> None:
    text = pod("image: a/b", kind="CustomResourceDefinition")
    assert read(text).claims == ()


def test_several_documents_and_their_lines() -> None:
    text = "---\n" + pod("image: a/b") + "---\n# nothing\n---\n" + pod("image: c/d")
    assert [(c.name, c.line) for c in read(text).claims] == [("a/b", 9), ("c/d", 20)]


def test_compose() -> None:
    found = read(
        """\
services:
  chat:
    image: vllm/vllm-openai:v0.9.1
    command: --model acme/a --served-model-name "a b"
    environment:
      - OPENAI_BASE_URL=https://proxy.example.org/x
  own:
    build: .
    environment: {HF_MODEL_ID: acme/b}
models:
  llm: {model: ai/smollm2}
"""
    )
    assert found.form == "Docker Compose"
    assert models(found) == [
        ("model", "ai/smollm2", ""),
        ("model", "acme/a", ""),
        ("model", "acme/b", ""),
    ]
    assert [c.line for c in found.claims] == [11, 3, 4, 6, 9]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apiVersion: v1\nkind: Pod\nspec:\n  x: {{ .Values.x }}\n", "render it first"),
        ("{{- if .x }}\napiVersion: v1\nkind: Pod\n", "render it first"),
        ("apiVersion: v1\nkind: Pod\na: &a [1]\nb: *a\n", "an alias"),
        ("apiVersion: v1\nkind: Pod\nkind: Job\n", "duplicate key"),
        ("apiVersion: v1\nx: [\n", "no YAML: .*line 3"),
        ("apiVersion: v1\nname: Chart\n", "not a document that aibom knows"),
    ],
)
def test_what_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(FormatError, match=said) as raised:
        read(text)
    assert "\n" not in str(raised.value)


WHOLE = [
    pod("image: vllm/vllm-openai\nargs: [--model, acme/a]\ncommand: [sh, -c, 'vllm serve a/b']"),
    KSERVE % "hf://acme/b",
    "services:\n  chat:\n    image: a/b\n    command: --model x/y\nmodels: {llm: {model: a/b}}\n",
]


@given(st.data())
def test_damaged_manifests_are_read_or_refused(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(WHOLE))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 30)))
    try:
        found = read(whole[:start] + data.draw(st.text(max_size=10)) + whole[end:])
    except FormatError as error:
        assert "\n" not in str(error)  # noqa: PT017 - any other exception fails the test
    else:
        assert all(isinstance(claim, Claim) for claim in found.claims)
