"""The servers under load: ``understudy serve`` as a user starts it, and a bare application.

Each is a process of its own. The bare one (``python -m tests.benchmarks.servers FILE``) is
Starlette and uvicorn with the settings of ``serve``, and answers a path with the JSON that FILE
has for it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKEN = "a-token-for-benchmarks-only"


@dataclass(frozen=True, slots=True)
class Server:
    """``start`` is the time from the process's start until it could answer, in seconds."""

    port: int
    pid: int
    start: float

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """A request as it goes over the socket."""
        data = b"" if body is None else json.dumps(body).encode()
        head = [
            f"{method} {path} HTTP/1.1",
            f"host: 127.0.0.1:{self.port}",
            f"authorization: Bearer {TOKEN}",
        ]
        if data:
            head += ["content-type: application/json", f"content-length: {len(data)}"]
        return "\r\n".join([*head, "", ""]).encode() + data


@contextmanager
def understudy(home: Path, model_url: str | None = None) -> Iterator[Server]:
    """``understudy serve`` on the folder ``home``."""
    names = ("UNDERSTUDY_", "OPENAI_")
    environment = {name: each for name, each in os.environ.items() if not name.startswith(names)}
    environment |= {"UNDERSTUDY_HOME": str(home), "UNDERSTUDY_TOKEN": TOKEN}
    if model_url is not None:
        environment |= {"UNDERSTUDY_MODEL_URL": model_url, "UNDERSTUDY_MODEL": "bench"}
    with _process([sys.executable, "-m", "tui", "serve", "--port", "0"], environment) as server:
        yield server


@contextmanager
def bare(answers: Mapping[str, Any], folder: Path) -> Iterator[Server]:
    """The bare application, with the JSON that it answers to each path."""
    file = folder / "answers.json"
    file.write_text(json.dumps(answers))
    command = [sys.executable, "-m", "tests.benchmarks.servers", str(file)]
    with _process(command, dict(os.environ)) as server:
        yield server


@contextmanager
def model_endpoint(chunks: int) -> Iterator[str]:
    """The URL of a model endpoint that answers with so many chunks."""
    command = [sys.executable, "-m", "tests.benchmarks.endpoint", str(chunks)]
    with _process(command, dict(os.environ)) as server:
        yield f"http://127.0.0.1:{server.port}/v1"


@contextmanager
def _process(command: list[str], environment: Mapping[str, str]) -> Iterator[Server]:
    """A process whose first line of output names its port."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        start = time.perf_counter() - began
        found = re.search(r"(\d+)(?:/v1)?\s*$", line)
        if found is None:
            process.kill()
            raise SystemExit(f"{command} did not start: {process.stderr.read()}")
        yield Server(int(found[1]), process.pid, start)
    finally:
        process.terminate()
        process.communicate()


def megabytes(pid: int, field: str) -> float:
    """``Pss`` (now) or ``VmHWM`` (the most resident memory so far) of a process, on Linux."""
    name = "smaps_rollup" if field == "Pss" else "status"
    text = Path(f"/proc/{pid}/{name}").read_text()
    found = re.search(rf"^{field}:\s*(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def seconds_of_cpu(pid: int) -> float:
    """What all threads of a process have used so far, on Linux."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in threads) / 1e9


async def _serve_bare(answers: Mapping[str, Any]) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(answers[request.path_params["path"]])

    class Announced(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            print(self.servers[0].sockets[0].getsockname()[1], flush=True)

    config = uvicorn.Config(
        Starlette(routes=[Route("/{path:path}", answer)]),
        port=0,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    await Announced(config).serve()


if __name__ == "__main__":
    asyncio.run(_serve_bare(json.loads(Path(sys.argv[1]).read_text())))
