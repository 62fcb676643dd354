"""A weather assistant: it loads its models, starts and asks its tools, and answers one question.

    python app.py ANSWER SECONDS

ANSWER is written when it is ready: what it has imported, and what it got to hear. Then it waits
for SECONDS. The folder is its own; the hub and the model API are those of the environment.
"""

import asyncio
import json
import pickletools
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gguf  # type: ignore[import-not-found,unused-ignore]
import numpy as np  # type: ignore[import-not-found,unused-ignore]
import onnxruntime  # type: ignore[import-not-found,unused-ignore]
import openai  # type: ignore[import-not-found,unused-ignore]
from huggingface_hub import (  # type: ignore[import-not-found,unused-ignore]
    hf_hub_download,
    snapshot_download,
)
from langchain_core.messages import (  # type: ignore[import-not-found,unused-ignore]
    HumanMessage,
)
from langchain_openai import ChatOpenAI  # type: ignore[import-not-found,unused-ignore]
from langgraph.graph import (  # type: ignore[import-not-found,unused-ignore]
    END,
    START,
    MessagesState,
    StateGraph,
)
from mcp import ClientSession, StdioServerParameters  # type: ignore[import-not-found,unused-ignore]
from mcp.client.stdio import stdio_client  # type: ignore[import-not-found,unused-ignore]
from mcp.client.streamable_http import (  # type: ignore[import-not-found,unused-ignore]
    streamable_http_client,
)
from safetensors.numpy import load_file  # type: ignore[import-not-found,unused-ignore]

BASE = "nimbus/drizzle-base"
CHAT = "nimbus/drizzle-chat-gguf"
CHAT_COMMIT = "0000000000000000000000000000000000000000"
LIBRARIES = (
    "gguf",
    "huggingface_hub",
    "langchain-core",
    "langchain-openai",
    "langgraph",
    "mcp",
    "onnxruntime",
    "openai",
    "safetensors",
)
SERVERS = json.loads(Path(".mcp.json").read_text())["mcpServers"]
PATIENCE_S = 60


def load() -> list[Any]:
    """Load every model that the assistant has, from its folder and from the hub."""
    base = Path(snapshot_download(BASE))
    chat = hf_hub_download(CHAT, "drizzle-chat-f32.gguf", revision=CHAT_COMMIT)
    classifier = onnxruntime.InferenceSession("models/clouds.onnx")
    classifier.run(None, {"x": np.zeros(4, np.float32)})
    return [
        *(load_file(shard) for shard in sorted(base.glob("*.safetensors"))),
        load_file("models/dialect/adapter_model.safetensors"),
        gguf.GGUFReader(chat),
        gguf.GGUFReader("models/breeze-chat.gguf"),
        Path("models/gusts.tflite").read_bytes(),
        classifier,
    ]


def looked_over(path: str) -> int:
    """Return how many instructions a pickle has. It is read and never loaded."""
    with Path(path).open("rb") as file:
        return sum(1 for _ in pickletools.genops(file))


def assistant() -> Any:
    """Return a graph of one step: ask the hosted model."""
    model = ChatOpenAI(model="gpt-4o-mini", temperature=0)
    graph = StateGraph(MessagesState)
    graph.add_node("answer", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    return graph.compile()


async def tools_of(streams: tuple[Any, ...], stack: AsyncExitStack) -> list[str]:
    """Return the names of the tools that a server offers, and stay connected."""
    session = await stack.enter_async_context(ClientSession(*streams[:2]))
    await session.initialize()
    return [tool.name for tool in (await session.list_tools()).tools]


async def listening(url: str) -> None:
    """Return once somebody listens at ``url``."""
    host, port = url.split("/")[2].split(":")
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


async def main(answer: Path, seconds: float) -> None:
    """Load, connect, answer, and wait."""
    kept = load()
    steps = [looked_over(f"models/{name}.pkl") for name in ("trend", "visitor")]
    openai.OpenAI().models.list()
    url = SERVERS["notes"]["url"]
    notes = subprocess.Popen([sys.executable, "notes_server.py", url.split("/")[2].split(":")[1]])
    clock = StdioServerParameters(command=sys.executable, args=SERVERS["clock"]["args"])
    try:
        async with AsyncExitStack() as stack:
            tools = await tools_of(await stack.enter_async_context(stdio_client(clock)), stack)
            await listening(url)
            stream = await stack.enter_async_context(streamable_http_client(url))
            tools += await tools_of(stream, stack)
            said = assistant().invoke({"messages": [HumanMessage("How will it be?")]})
            told = {
                "imported": {name: version(name) for name in LIBRARIES},
                "models": len(kept),
                "pickle-steps": steps,
                "tools": tools,
                "answer": said["messages"][-1].content,
            }
            answer.write_text(json.dumps(told))
            await asyncio.sleep(seconds)
    finally:
        notes.terminate()
        notes.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
