"""The sample: a project with models, tools, a hub and words that mean nothing, and its truth."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from packaging.requirements import Requirement

from rig.compare import weights
from rig.compare.truth import TrueAdapter, TrueModel, Truth
from rig.hub import Files, commit_of

_SOURCES = Path(__file__).with_name("project")
NEVER_IMPORTED = ("chromadb", "crewai", "torch", "transformers")
_NO_AI = ("numpy",)
BASE, CHAT = "nimbus/drizzle-base", "nimbus/drizzle-chat-gguf"
FALSE_BASE = "stratus/thunder-base"
_TITLES = {CHAT: ["Drizzle Chat"]}  # what the header says
_NO_COMMIT = "0" * 40  # what stands in the source of the program for the commit of CHAT
_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
)
_QUERY, _VALUE = (f"model.layers.0.self_attn.{name}_proj" for name in "qv")
_SHARDS: tuple[weights.Shapes, ...] = (
    {"model.embed_tokens.weight": (32, 16), f"{_QUERY}.weight": (16, 16)},
    {f"{_VALUE}.weight": (16, 16), "lm_head.weight": (32, 16)},
)
_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "vocab_size": 32,
    "torch_dtype": "float32",
}


def repositories() -> dict[str, Files]:
    """Return what the hub holds: a model in two shards, and one in a GGUF file."""
    shards = {
        f"model-{number:05}-of-{len(_SHARDS):05}.safetensors": shapes
        for number, shapes in enumerate(_SHARDS, 1)
    }
    base = {name: weights.safetensors(shapes) for name, shapes in shards.items()}
    index = {tensor: name for name, shapes in shards.items() for tensor in shapes}
    size = sum(len(data) for data in base.values())
    base["model.safetensors.index.json"] = _json(
        {"metadata": {"total_size": size}, "weight_map": index}
    )
    base["config.json"] = _json(_CONFIG)
    base["README.md"] = b"---\nlicense: apache-2.0\n---\n# Drizzle\n"
    chat = {"drizzle-chat-f32.gguf": weights.gguf(_TITLES[CHAT][0], _TEMPLATE)}
    return {BASE: base, CHAT: chat}


def local_files() -> Files:
    """Return the model files of the project's own folder, by their paths in it."""
    adapter = {
        f"base_model.model.{module}.lora_{side}.weight": shape
        for module in (_QUERY, _VALUE)
        for side, shape in (("A", (4, 16)), ("B", (16, 4)))
    }
    return {
        "models/breeze-chat.gguf": weights.gguf("Breeze Chat", _TEMPLATE, width=64),
        "models/clouds.onnx": weights.onnx("clouds"),
        "models/dialect/adapter_model.safetensors": weights.safetensors(adapter),
        "models/gusts.tflite": weights.tflite("Gusts"),
        "models/trend.pkl": weights.harmless_pickle(),
        "models/visitor.pkl": weights.evil_pickle(),
    }


def make(folder: Path, port: int) -> Truth:
    """Write the project to the new folder ``folder``, and its truth to ``truth.json`` beside it.

    Its MCP server over HTTP is to listen on ``port`` of 127.0.0.1.
    """
    for source in _SOURCES.iterdir():
        if source.suffix in (".py", ".txt") and source.name != "__init__.py":
            text = source.read_text().replace(_NO_COMMIT, commit_of(repositories()[CHAT]))
            _write(folder / source.name, text.encode())
    for path, data in local_files().items():
        _write(folder / path, data)
    for path, data in _adapter_words().items():
        _write(folder / path, data)
    _write(folder / ".mcp.json", _json({"mcpServers": _servers(port)}))
    truth = _truth(port)
    _write(folder.with_name("truth.json"), truth.written().encode())
    return truth


def _adapter_words() -> Files:
    """Return what the adapter's folder says of it: a base on which it is never loaded."""
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": FALSE_BASE,
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj", "v_proj"],
        "inference_mode": True,
    }
    card = f"---\nbase_model: {FALSE_BASE}\nlibrary_name: peft\nlicense: mit\n---\n# Dialect\n"
    return {
        "models/dialect/adapter_config.json": _json(config),
        "models/dialect/README.md": card.encode(),
    }


def _servers(port: int) -> dict[str, dict[str, object]]:
    return {
        "clock": {"command": "python3", "args": ["-m", "mcp_server_time"]},
        "notes": {"type": "http", "url": f"http://127.0.0.1:{port}/mcp"},
        "issues": {
            "command": "npx",
            "args": ["-y", "@modelcontextprotocol/server-github@2025.4.8"],
            "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": "${GITHUB_TOKEN}"},
        },
    }


def _truth(port: int) -> Truth:
    required = pins()
    listed = {name: required[name] for name in NEVER_IMPORTED}
    hub = repositories()
    models = [
        TrueModel(path.stem, {path.name: _sha256(data)}, [path.stem, *path.parts[1:-1]])
        for path, data in ((Path(name), data) for name, data in local_files().items())
    ]
    for repository, files in hub.items():
        large = {n: _sha256(d) for n, d in files.items() if n.endswith((".gguf", ".safetensors"))}
        commit = commit_of(files)
        called = [repository, repository.rpartition("/")[2], commit, *_TITLES.get(repository, [])]
        models.append(TrueModel(repository, large, called, repository, commit))
    return Truth(
        imported={n: v for n, v in required.items() if n not in (*listed, *_NO_AI)},
        listed=listed,
        models=models,
        adapter=TrueAdapter("adapter_model.safetensors", FALSE_BASE, BASE),
        hosted="gpt-4o-mini",
        servers={
            "clock": ["clock", "mcp_server_time", "mcp-server-time"],
            "notes": ["notes", f"127.0.0.1:{port}", "notes_server.py"],
        },
        configured={"issues": ["issues", "@modelcontextprotocol/server-github", "server-github"]},
        evil="visitor.pkl",
        harmless="trend.pkl",
    )


def pins() -> dict[str, str]:
    """Return the distributions of the sample's ``requirements.txt`` with their versions."""
    text = (_SOURCES / "requirements.txt").read_text()
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    wanted = [Requirement(line) for line in lines if line]
    return {one.name: next(iter(one.specifier)).version for one in wanted}


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
