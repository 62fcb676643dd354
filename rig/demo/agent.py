"""A small chat agent, run in a container of the demonstration with nothing of this project in it.

It loads its model with llama.cpp, then a second one that arrives while it runs, starts an MCP
server over stdio and asks it for its tools, lets its model say something, and stays.

    python3 agent.py MODEL LATE_MODEL
"""

import asyncio
import os
import sys
import time
from pathlib import Path

import xllamacpp  # type: ignore[import-not-found,unused-ignore]
from mcp import ClientSession, StdioServerParameters  # type: ignore[import-not-found,unused-ignore]
from mcp.client.stdio import stdio_client  # type: ignore[import-not-found,unused-ignore]

TOOLS = StdioServerParameters(
    command=sys.executable,
    args=["-m", "mcp_server_time"],
    env={name: value for name, value in os.environ.items() if name.startswith("PYTHON")},
)


def load(model: Path) -> "xllamacpp.Server":
    """Return an engine that serves ``model``, which stays mapped as long as the engine lives."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_ctx = 256
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    parameters.warmup = False
    return xllamacpp.Server(parameters)


def wait_for(model: Path) -> Path:
    """Return ``model`` once it is there; it appears complete or not at all."""
    while not model.exists():
        time.sleep(0.05)
    return model


def ask(engine: "xllamacpp.Server") -> str:
    """Return what the model answers to a simple question."""
    question = {"role": "user", "content": "Say hello."}
    wish = {"messages": [question], "max_tokens": 10, "temperature": 0}
    answer = engine.handle_chat_completions(wish)
    return " ".join(answer["choices"][0]["message"]["content"].split())


async def main() -> None:
    """Load, connect, answer, say so in one line, and stay until killed."""
    engines = [load(Path(sys.argv[1])), load(wait_for(Path(sys.argv[2])))]
    async with (
        stdio_client(TOOLS) as (read, write),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answer = ask(engines[0])
        print(f"ready: tools {', '.join(tools)}; the model says: {answer}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
