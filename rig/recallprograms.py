"""The programs of ``rig.recall``: what each needs, what it imports, and what it says of that.

``python recallprograms.py NAME ANSWER`` runs one and stays; ANSWER is JSON, see ``answer``. The
interpreter is that of an environment which has nothing of this project, 3.8 or later.
"""

import importlib.metadata
import json
import os
import re
import sys
import time
from types import ModuleType
from typing import Any, Dict, Iterable, List, NamedTuple, Set, Tuple  # noqa: UP035 - for 3.8


class Program(NamedTuple):
    """A program; ``needs`` are requirements, ``code`` is what it runs."""

    needs: str
    code: str


_GRAPH = """
from langgraph.graph import END, START, StateGraph
from langchain_anthropic import ChatAnthropic
graph = StateGraph(dict)
graph.add_node("say", lambda state: state)
graph.add_edge(START, "say")
graph.add_edge("say", END)
graph.compile().invoke({"a": 1})
ChatAnthropic(model="m", api_key="k")
"""
_BERT = """
import peft, sentence_transformers, sklearn.linear_model, torch
from transformers import BertConfig, BertModel
tiny = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
    intermediate_size=8, vocab_size=9)
BertModel(tiny)(torch.tensor([[1]]))
"""
_OTEL = "opentelemetry"

#: By name. Packages that import lazily are used, so that they do.
PROGRAMS = {
    "anthropic": Program(
        "anthropic", "import anthropic; anthropic.Anthropic(api_key='k').messages"
    ),
    "autogen": Program(
        "autogen-agentchat autogen-ext[openai]",
        "import autogen_agentchat.agents, autogen_ext.models.openai",
    ),
    "azure": Program(
        "azure-ai-inference azure-identity azure-search-documents azure-storage-blob",
        "import azure.ai.inference, azure.identity",
    ),
    "chromadb": Program("chromadb", "import chromadb; chromadb.EphemeralClient()"),
    "crewai": Program("crewai", "import crewai; crewai.LLM"),
    "dspy": Program("dspy", "import dspy; dspy.Predict('question -> answer')"),
    "fastembed": Program("fastembed", "import fastembed; fastembed.TextEmbedding"),
    "google-genai": Program(
        "google-genai google-cloud-aiplatform",
        "import google.genai, google.cloud.aiplatform; google.genai.Client(api_key='k')",
    ),
    "gradio": Program("gradio streamlit", "import gradio, streamlit"),
    "haystack": Program(
        "haystack-ai ollama-haystack chroma-haystack",
        "import haystack_integrations.components.generators.ollama",
    ),
    "huggingface_hub": Program(
        "huggingface_hub safetensors numpy",
        "import huggingface_hub, safetensors.numpy; huggingface_hub.HfApi()",
    ),
    "jax": Program("jax flax optax", "import flax, jax, optax"),
    "langchain": Program(
        "langchain langchain-openai langchain-community langchain-chroma",
        "import langchain.agents, langchain_chroma, langchain_community.vectorstores\n"
        "from langchain_openai import ChatOpenAI; ChatOpenAI(api_key='k')",
    ),
    "langgraph": Program("langgraph langchain-anthropic", _GRAPH),
    "litellm": Program("litellm", "import litellm; litellm.completion"),
    "llama-index": Program(
        "llama-index-core llama-index-llms-openai",
        "import llama_index.core\nfrom llama_index.llms.openai import OpenAI; OpenAI(api_key='k')",
    ),
    "magika": Program("magika onnxruntime", "import magika; magika.Magika()"),
    "mcp": Program("mcp", "import mcp.client, mcp.server"),
    "mlflow": Program("mlflow", "import mlflow, mlflow.sklearn"),
    "nothing": Program("langchain openai", "import asyncio, email, json"),
    "openai": Program("openai", "import openai; openai.OpenAI(api_key='k').chat.completions"),
    "openai-agents": Program("openai-agents", "import agents; agents.Agent(name='a')"),
    _OTEL: Program(
        f"{_OTEL}-sdk {_OTEL}-exporter-otlp {_OTEL}-instrumentation-openai openai",
        f"import {_OTEL}.exporter.otlp.proto.http.trace_exporter, {_OTEL}.instrumentation.openai",
    ),
    "pydantic-ai": Program("pydantic-ai", "import pydantic_ai; pydantic_ai.Agent('test')"),
    "semantic-kernel": Program("semantic-kernel", "import semantic_kernel as s; s.Kernel()"),
    "smolagents": Program("smolagents", "import smolagents; smolagents.CodeAgent"),
    "ten clients": Program(
        "instructor cohere mistralai groq together replicate ollama boto3 weaviate-client pymilvus",
        "import cohere, groq, instructor, mistralai, ollama, pymilvus, replicate, together\n"
        "import boto3, weaviate; boto3.client('bedrock-runtime', region_name='us-east-1')",
    ),
    # other versions of torch need gigabytes of CUDA
    "transformers": Program(
        "torch==2.13.0 transformers sentence-transformers peft scikit-learn", _BERT
    ),
    "much at once": Program(
        "torch==2.13.0 transformers sentence-transformers scikit-learn pandas langchain"
        " langchain-openai langgraph llama-index-core llama-index-llms-openai google-genai"
        " google-cloud-aiplatform crewai mcp smolagents",
        "import crewai, google.cloud.aiplatform, google.genai, langchain.agents, langchain_openai\n"
        "import langgraph.graph, llama_index.core, llama_index.llms.openai, mcp.server, pandas\n"
        "import sentence_transformers, sklearn, smolagents, torch, transformers",
    ),
}


#: A part of setuptools that a .pth file imports at every start, whatever the program needs.
OF_STARTUP = "_distutils_hack"


def files_of(module: Any) -> Iterable[str]:
    """Yield the files that a module says it came from, without running code of its own."""
    if not issubclass(type(module), ModuleType):  # an object can lie about its __class__
        return
    space = ModuleType.__getattribute__(module, "__dict__")
    for found in (space.get("__file__"), getattr(space.get("__spec__"), "origin", None)):
        if isinstance(found, str) and found.startswith("/"):
            yield from (os.path.normpath(found), os.path.realpath(found))


def mapped() -> Iterable[str]:
    """Yield the paths that this process has mapped."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            fields = line.rstrip("\n").split(maxsplit=5)
            if len(fields) == 6:
                yield fields[5]


def installed() -> Tuple[Set[str], Dict[str, Set[str]]]:  # noqa: UP006
    """Return the distributions, by normalised name, and by path those that list a file."""
    names = set()
    owners: Dict[str, Set[str]] = {}  # noqa: UP006
    for distribution in importlib.metadata.distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"] or "").lower()
        names.add(name)
        for file in distribution.files or []:
            path = os.path.normpath(str(distribution.locate_file(file)))
            owners.setdefault(path, set()).add(name)
    return names, owners


def answer() -> Dict[str, List[str]]:  # noqa: UP006
    """Return the distributions installed, imported and mapped, and the names in sys.modules."""
    names, owners = installed()

    def owning(paths: Iterable[str]) -> List[str]:  # noqa: UP006
        return sorted({name for path in paths for name in owners.get(path, ())})

    modules = [module for name, module in list(sys.modules.items()) if name != OF_STARTUP]
    files = [file for module in modules for file in files_of(module)]
    return {
        "installed": sorted(names),
        "imported": owning(files),
        "mapped": owning(mapped()),
        # a name whose import is blocked has None for a module
        "modules": sorted(name for name, module in sys.modules.items() if module is not None),
    }


if __name__ == "__main__":
    exec(PROGRAMS[sys.argv[1]].code, {"__name__": "program"})  # noqa: S102 - one of the above
    text = json.dumps(answer())
    with open(sys.argv[2] + ".part", "w", encoding="utf-8") as out:
        out.write(text)
    os.rename(sys.argv[2] + ".part", sys.argv[2])
    time.sleep(3600)
