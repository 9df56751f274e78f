"""A model endpoint on the loopback that says what a test wants, at the pace the test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Endpoint:
    """``words`` are streamed; the last one only after ``go_on`` is set. ``requests`` came in."""

    def __init__(self, words: list[str], *, status: int = 200) -> None:
        self.words = words
        self.status = status
        self.go_on = threading.Event()
        self.requests: list[dict[str, Any]] = []
        self.url = ""


@contextmanager
def endpoint(words: list[str], *, status: int = 200, pauses: bool = False) -> Iterator[Endpoint]:
    """``pauses``: the last word waits until the test sets ``go_on`` (or has ended)."""
    state = Endpoint(words, status=status)
    if not pauses:
        state.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer({"object": "list", "data": [{"id": "fake", "object": "model"}]})

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            state.requests.append(json.loads(self.rfile.read(length)))
            if state.status != 200:
                self.answer({"error": {"message": "no"}})
                return
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            try:
                for number, word in enumerate(state.words, start=1):
                    if number == len(state.words):
                        state.go_on.wait(60)
                    self.event({"delta": {"content": word}, "finish_reason": None})
                self.event({"delta": {}, "finish_reason": "stop"})
                self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client had heard enough
            self.close_connection = True

        def event(self, choice: dict[str, Any]) -> None:
            chunk = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": "fake",
                "choices": [{"index": 0, **choice}],
            }
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()

        def answer(self, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(state.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        state.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
