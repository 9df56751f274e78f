"""A model endpoint for benchmarks: Chat Completions, as fast as a socket goes.

Run as a process of its own (``python -m tests.benchmarks.endpoint CHUNKS``), so that what it costs
is not counted. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import sys


def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    data = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "bench",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(data).encode() + b"\n\n"


class Endpoint:
    def __init__(self, chunks: int):
        self.chunks = chunks

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            (
                int(line.split(":")[1])
                for line in head.split("\r\n")
                if line.lower().startswith("content-length:")
            ),
            0,
        )
        await reader.readexactly(length)
        if head.startswith("GET"):
            body = json.dumps({"object": "list", "data": [{"id": "bench", "object": "model"}]})
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n%s" % (len(body), body.encode())
            )
            return True
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        pieces = [chunk({"role": "assistant", "content": ""})]
        pieces += [chunk({"content": f"word{number} "}) for number in range(self.chunks)]
        pieces += [chunk({}, "stop"), b"data: [DONE]\n\n"]
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


async def main() -> None:
    endpoint = Endpoint(int(sys.argv[1]))
    server = await asyncio.start_server(endpoint.answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
