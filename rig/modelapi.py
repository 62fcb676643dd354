"""A model API on loopback that speaks as much of OpenAI's protocol as a chat needs.

Source: OpenAI's API reference, "Create chat completion" and "List models".
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "It will rain."


class Handler(BaseHTTPRequestHandler):
    """Answers every chat with the same sentence, in the name of whatever model was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """List no models: enough for a client that asks whether the API is there."""
        self._answer({"object": "list", "data": []})

    def do_POST(self) -> None:
        """Answer a chat."""
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        message = {"role": "assistant", "content": ANSWER}
        self._answer(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 0,
                "model": asked["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5},
            }
        )

    def _answer(self, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def model_api() -> Iterator[str]:
    """Serve for the block and yield the base address that clients of OpenAI's API are given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
