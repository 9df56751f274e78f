"""Bytes to a server, on a socket, as no HTTP library would send them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from tests.terminal.test_serve import Server

PATIENCE = 20.0


@dataclass
class Answer:
    status: int
    head: bytes
    body: bytes

    @property
    def error(self) -> dict[str, object]:
        error = json.loads(self.body)["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
        return dict(error)


class Door:
    """A server that runs, and bytes to it."""

    def __init__(self, server: Server):
        self._server = server
        url = httpx2.URL(server.url)
        self.address = (url.host, url.port or 80)
        self.host = f"{url.host}:{url.port}"

    def head(self, start: str, *lines: str, token: bool = True) -> bytes:
        """A request's head; the host and the token are added."""
        own = [f"Host: {self.host}"]
        if token:
            own.append(f"Authorization: Bearer {self._server.token}")
        return "\r\n".join([start, *own, *lines, "", ""]).encode("latin-1")

    def send(self, *pieces: bytes, shut: bool = False) -> list[Answer]:
        """Sends on a connection of its own; all answers until the server closes or says no more.

        ``shut`` closes our side behind the last piece, as a client does that goes away.
        """
        with socket.create_connection(self.address, timeout=PATIENCE) as connection:
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:  # it hung up before it had heard all: its answer is there
                    break
            if shut:
                connection.shutdown(socket.SHUT_WR)
            return list(_answers(connection))

    def ask(self, *pieces: bytes, shut: bool = False) -> Answer:
        (answer,) = self.send(*pieces, shut=shut)
        return answer

    def post(self, path: str, kind: str, body: bytes, *lines: str) -> Answer:
        """A whole request, and the end of the connection."""
        head = self.head(
            f"POST {path} HTTP/1.1",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *lines,
        )
        return self.ask(head, body)

    def get(self, path: str) -> dict[str, object]:
        """What an honest client reads."""
        answer = self.ask(self.head(f"GET {path} HTTP/1.1", "Connection: close"))
        assert answer.status == 200
        return dict(json.loads(answer.body))


def _answers(connection: socket.socket) -> Iterator[Answer]:
    """Answers with a length, one after the other, until the other side closes."""
    unread = b""
    while True:
        while b"\r\n\r\n" not in unread:
            piece = _piece(connection)
            if not piece:
                assert not unread, unread
                return
            unread += piece
        head, _, unread = unread.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        lengths = [line for line in lines if line.startswith(b"content-length:")]
        length = int(lengths[0].partition(b":")[2]) if lengths else 1 << 30
        while len(unread) < length and (piece := _piece(connection)):
            unread += piece
        yield Answer(int(head.split(b" ")[1]), head, unread[:length])
        unread = unread[length:]


def _piece(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""
