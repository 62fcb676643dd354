"""The programs of ``rig.recall``: what each needs installed, and what it imports and runs."""

from typing import NamedTuple


class Program(NamedTuple):
    """A program; ``needs`` are requirements, ``code`` what it runs."""

    name: str
    needs: tuple[str, ...]
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
from transformers import BertConfig, BertModel
import sentence_transformers, sklearn.linear_model, peft, torch
BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
    intermediate_size=8, vocab_size=9))(torch.tensor([[1]]))
"""

#: By name, alphabetically. Lazy packages are made to import by using them.
PROGRAMS = (
    Program("anthropic", ("anthropic",), "import anthropic; anthropic.Anthropic(api_key='k').messages"),
    Program(
        "autogen",
        ("autogen-agentchat", "autogen-ext[openai]"),
        "import autogen_agentchat.agents, autogen_ext.models.openai",
    ),
    Program("chromadb", ("chromadb",), "import chromadb; chromadb.EphemeralClient()"),
    Program("crewai", ("crewai",), "import crewai; crewai.LLM"),
    Program("dspy", ("dspy",), "import dspy; dspy.Predict('question -> answer')"),
    Program("fastembed", ("fastembed",), "import fastembed; fastembed.TextEmbedding"),
    Program(
        "google-genai",
        ("google-genai", "google-cloud-aiplatform"),
        "import google.genai, google.cloud.aiplatform; google.genai.Client(api_key='k')",
    ),
    Program("haystack", ("haystack-ai",), "import haystack; from haystack.components.generators.chat import OpenAIChatGenerator"),
    Program(
        "huggingface-hub",
        ("huggingface_hub", "safetensors", "numpy"),
        "import huggingface_hub, safetensors.numpy; huggingface_hub.HfApi()",
    ),
    Program(
        "langchain",
        ("langchain", "langchain-openai"),
        "import langchain.agents; from langchain_openai import ChatOpenAI; ChatOpenAI(api_key='k')",
    ),
    Program("langgraph", ("langgraph", "langchain-anthropic"), _GRAPH),
    Program("litellm", ("litellm",), "import litellm; litellm.completion"),
    Program(
        "llama-index",
        ("llama-index-core", "llama-index-llms-openai"),
        "import llama_index.core; from llama_index.llms.openai import OpenAI; OpenAI(api_key='k')",
    ),
    Program("magika", ("magika", "onnxruntime"), "import magika; magika.Magika()"),
    Program("mcp", ("mcp",), "import mcp.server, mcp.client"),
    Program("mlflow", ("mlflow-skinny",), "import mlflow; mlflow.tracking"),
    Program("openai", ("openai",), "import openai; openai.OpenAI(api_key='k').chat.completions"),
    Program("openai-agents", ("openai-agents",), "import agents; agents.Agent(name='a')"),
    Program(
        "opentelemetry",
        ("opentelemetry-sdk", "opentelemetry-exporter-otlp", "opentelemetry-instrumentation-openai", "openai"),
        "import opentelemetry.sdk.trace, opentelemetry.exporter.otlp.proto.http.trace_exporter,"
        " opentelemetry.instrumentation.openai",
    ),
    Program("pydantic-ai", ("pydantic-ai",), "import pydantic_ai; pydantic_ai.Agent('test')"),
    Program("semantic-kernel", ("semantic-kernel",), "import semantic_kernel; semantic_kernel.Kernel()"),
    Program("smolagents", ("smolagents",), "import smolagents; smolagents.CodeAgent"),
    Program(
        "transformers",
        ("torch==2.13.0", "transformers", "sentence-transformers", "peft", "scikit-learn"),
        _BERT,
    ),
)
